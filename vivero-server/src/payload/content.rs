//! Content of a file as the body of a request: passed on as it comes, never held whole.

use super::refused_type;
use crate::problem::Failure;
use crate::scope::Scope;
use crate::wire::schema::inline;
use futures_util::stream::try_unfold;
use futures_util::{Stream, StreamExt as _};
use poem::http::header;
use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::time::Duration;
use tokio::time::timeout;
use vivero_core::Error;
use vivero_core::files::{MAX_FILE_BYTES, Upload};

/// Media type of content that is whatever it is.
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// Bytes, in the document.
pub(crate) fn binary() -> MetaSchemaRef {
    inline(MetaSchema::new_with_format("string", "binary"))
}

/// Content on its way in.
pub(crate) struct Content {
    body: Body,
    /// Bytes, if they were announced.
    pub(crate) size: Option<u64>,
    patience: Duration,
}

impl Content {
    /// As an upload, which ends when nothing comes for a while.
    pub(crate) fn into_upload(self) -> Upload {
        let size = self.size;
        let upload = Upload::new(chunks(self.body, self.patience), MAX_FILE_BYTES);
        match size {
            Some(size) => upload.with_size(size),
            None => upload,
        }
    }

    /// Reads it to its end for nothing, so that its sender gets to see the answer.
    pub(crate) async fn discard(self) {
        let mut chunks = std::pin::pin!(chunks(self.body, self.patience));
        while let Some(Ok(_)) = chunks.next().await {}
    }
}

fn chunks(
    body: Body,
    patience: Duration,
) -> impl Stream<Item = vivero_core::Result<bytes::Bytes>> + Send + 'static {
    let broken = |message| Error::invalid("file", "complete", message);
    try_unfold(body.into_bytes_stream().boxed(), move |mut body| async move {
        match timeout(patience, body.next()).await {
            Ok(Some(Ok(chunk))) => Ok(Some((chunk, body))),
            Ok(Some(Err(_))) => Err(broken("could not be read to its end")),
            Ok(None) => Ok(None),
            Err(_) => Err(broken("stopped coming")),
        }
    })
}

impl<'a> ApiExtractor<'a> for Content {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: Some("The content as it is."),
            content: vec![MetaMediaType { content_type: OCTET_STREAM, schema: binary() }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let text = |name| request.header(name).unwrap_or_default().trim().to_ascii_lowercase();
        let coding = text(header::CONTENT_ENCODING);
        if !matches!(&*coding, "" | "identity") {
            let failure = refused_type("the content must be sent as it is", "Content-Encoding");
            return Err(failure("must be identity").into());
        }
        if text(header::CONTENT_TYPE) != OCTET_STREAM {
            let failure = refused_type("the body must be application/octet-stream", "Content-Type");
            return Err(failure("must be application/octet-stream").into());
        }
        let size = match request.header(header::CONTENT_LENGTH) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                Failure::field("Content-Length", "integer", "must be a number of bytes")
            })?),
        };
        let patience = Scope::of(request)?.state.options.upload_patience;
        Ok(Self { body: body.take()?, size, patience })
    }
}

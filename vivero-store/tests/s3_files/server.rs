//! An S3 in this process, on a port of its own, that misbehaves when told to.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use vivero_store::files::s3_tests::Store;
use vivero_store::{S3Files, S3Options};

pub(crate) const BUCKET: &str = "vivero-test";
pub(crate) const SECRET: &str = "a-secret-nobody-may-see";

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It is done.
    Do,
    /// It is answered with that status, and not done.
    Refuse(u16),
    /// It is done, and answered with that status all the same.
    DoAndSay(u16),
    /// It is answered as by a server that does not know how.
    NotImplemented,
    /// It is done, in its time.
    DoSlowly(Duration),
    /// It is never answered.
    Ignore,
}

type Rule = Box<dyn FnMut(&Method, &Uri) -> Act + Send>;

struct Shared {
    service: S3Service,
    rule: Mutex<Option<Rule>>,
    requests: watch::Sender<Vec<String>>,
}

/// A running server; its folder goes with it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut builder = S3ServiceBuilder::new(Store::new(folder.path()));
        builder.set_auth(SimpleAuth::from_single("key", SECRET));
        let shared = Arc::new(Shared {
            service: builder.build(),
            rule: Mutex::default(),
            requests: watch::Sender::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of its own");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, folder }
    }

    pub(crate) fn options(&self) -> S3Options {
        let mut options = S3Options::new(BUCKET, "key", SECRET);
        options.endpoint = Some(format!("http://{}", self.address));
        options
    }
    pub(crate) fn files(&self) -> S3Files {
        S3Files::new(self.options()).expect("options that can be")
    }

    /// Lets a rule decide what becomes of each request from now on.
    pub(crate) fn rule(&self, rule: impl FnMut(&Method, &Uri) -> Act + Send + 'static) {
        *self.shared.rule.lock().expect("a lock") = Some(Box::new(rule));
    }
    pub(crate) fn behave(&self) {
        *self.shared.rule.lock().expect("a lock") = None;
    }

    /// Requests so far, as `METHOD PATH?QUERY`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.borrow().clone()
    }
    pub(crate) fn forget_requests(&self) {
        self.shared.requests.send_modify(Vec::clear);
    }
    /// Waits for a request like that to be answered.
    pub(crate) async fn seen(&self, wanted: impl Fn(&str) -> bool) {
        let mut requests = self.shared.requests.subscribe();
        let seen = requests.wait_for(|all| all.iter().any(|request| wanted(request)));
        let patience = Duration::from_secs(60);
        tokio::time::timeout(patience, seen).await.expect("in time").expect("the server runs");
    }

    /// Pieces of incomplete uploads on the server's disk.
    pub(crate) fn pieces(&self) -> usize {
        let names = std::fs::read_dir(self.folder.path()).expect("the folder");
        let names = names.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".upload")).count()
    }
    pub(crate) fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let serve = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A client that hangs up is no failure.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), serve)
                .await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<HttpResponse, HttpError> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let act = shared.rule.lock().expect("a lock").as_mut().map_or(Act::Do, |r| r(&method, &uri));
    let done = match act {
        Act::Ignore => return std::future::pending().await,
        Act::Refuse(status) => Ok(plain(status)),
        Act::NotImplemented => {
            let mut response = plain(501);
            *response.body_mut() = "<Error><Code>NotImplemented</Code></Error>".to_owned().into();
            Ok(response)
        }
        Act::DoSlowly(time) => {
            tokio::time::sleep(time).await;
            do_it(&shared, request).await
        }
        Act::Do => do_it(&shared, request).await,
        Act::DoAndSay(status) => do_it(&shared, request).await.map(|_| plain(status)),
    };
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    let line = format!("{method} {}{query}", uri.path());
    shared.requests.send_modify(|all| all.push(line));
    done
}

fn plain(status: u16) -> HttpResponse {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

/// In a task of its own: who hangs up does not leave half of it done.
async fn do_it(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<HttpResponse, HttpError> {
    let shared = Arc::clone(shared);
    let done = async move { shared.service.call(request.map(Body::from)).await };
    tokio::spawn(done).await.expect("no panic in the server")
}

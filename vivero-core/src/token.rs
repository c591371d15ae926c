//! The two secrets a signed-in program holds: a short-lived access token and a refresh token that is
//! exchanged at each use.
//!
//! Access tokens are EdDSA JWTs (RFC 8037, RFC 9068 `at+jwt`) that name tenant, person and session
//! and carry **no** permissions: those are looked up, so that a change bites on the next request.
//!
//! Refresh tokens are derived, not stored: HMAC(installation key, tenant ‖ session ‖ seed ‖
//! rotation). Presenting the *predecessor* of the current token, while the current one has not been
//! used, answers with the current one again: so fifty parallel refreshes get one successor and
//! nobody is logged out. Once the successor has been used, its predecessor is proof of theft and
//! ends the session. (This acknowledgement window is the one exception to strict single use.)

use crate::clock::IdSource;
use crate::error::{Error, Result};
use crate::ids::{SessionId, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Seconds an access token is good for.
pub const ACCESS_SECONDS: i64 = 900;
/// Seconds two clocks may differ.
pub const LEEWAY_SECONDS: i64 = 5;
const ISSUER: &str = "vivero";
const AUDIENCE: &str = "vivero-api";
const TYPE: &str = "at+jwt";
const REFRESH_PREFIX: &str = "vrt_";

/// What a verified access token says. Only [`Tokens::verify`] makes one, so holding it is proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    tenant: TenantId,
    user: UserId,
    session: SessionId,
    ends_at: i64,
}

impl Access {
    /// The tenant it is for.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }
    /// Whose it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }
    /// The sign-in it belongs to.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    tid: TenantId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Issues and verifies the tokens of one installation.
pub struct Tokens {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    refresh_key: [u8; 32],
    // Signature checks cost tens of microseconds; a token that was verified stays so until it ends.
    verified: Cache<[u8; 32], Access>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("kid", &self.kid).finish_non_exhaustive()
    }
}

const REFUSED: Error = Error::Unauthenticated { reason: "token" };

impl Tokens {
    /// Tokens signed with the Ed25519 key of `signing_seed`; refresh tokens derive from `refresh_key`.
    pub fn new(signing_seed: &[u8; 32], refresh_key: [u8; 32]) -> Result<Self> {
        let key = SigningKey::from_bytes(signing_seed);
        let public = key.verifying_key();
        let der = key.to_pkcs8_der().map_err(|e| Error::internal("encoding the signing key", e))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Times are checked here against the injected clock; the library would ask the system's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        Ok(Self {
            kid: hex::encode(&Sha256::digest(public.as_bytes())[..8]),
            signing: EncodingKey::from_ed_der(der.as_bytes()),
            verifying: DecodingKey::from_ed_der(public.as_bytes()),
            validation,
            refresh_key,
            verified: Cache::new(50_000),
        })
    }

    /// A fresh access token.
    pub fn issue(
        &self,
        tenant: TenantId,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<String> {
        let iat = now.timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user,
            tid: tenant,
            sid: session,
            iat,
            nbf: iat,
            exp: iat + ACCESS_SECONDS,
        };
        jsonwebtoken::encode(&self.header(), &claims, &self.signing)
            .map_err(|e| Error::internal("signing a token", e))
    }

    fn header(&self) -> Header {
        Header {
            kid: Some(self.kid.clone()),
            typ: Some(TYPE.into()),
            ..Header::new(Algorithm::EdDSA)
        }
    }

    /// What the token says, if it is one of ours and in time.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Access> {
        if token.len() > 2048 {
            return Err(REFUSED);
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(access) = self.verified.get(&digest) {
            return if now.timestamp() < access.ends_at { Ok(access) } else { Err(REFUSED) };
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| REFUSED)?;
        // Ours say this and nothing else: keys brought along and extensions are refused alike.
        if header != self.header() {
            return Err(REFUSED);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
            .map_err(|_| REFUSED)?
            .claims;
        let at = now.timestamp();
        let in_time = claims.nbf <= at + LEEWAY_SECONDS
            && claims.iat <= at + LEEWAY_SECONDS
            && at < claims.exp
            && claims.exp.saturating_sub(claims.iat) <= ACCESS_SECONDS;
        if !in_time {
            return Err(REFUSED);
        }
        let access = Access {
            tenant: claims.tid,
            user: claims.sub,
            session: claims.sid,
            ends_at: claims.exp,
        };
        self.verified.insert(digest, access);
        Ok(access)
    }

    /// The refresh token of a session at one rotation: the same at every call.
    #[must_use]
    pub fn refresh_token(
        &self,
        tenant: TenantId,
        session: SessionId,
        seed: &[u8],
        rotation: i64,
    ) -> String {
        let mut bytes = Vec::with_capacity(56);
        bytes.extend_from_slice(session.uuid().as_bytes());
        bytes.extend_from_slice(&rotation.to_be_bytes());
        bytes.extend_from_slice(
            &self.refresh_mac(tenant, session, seed, rotation).finalize().into_bytes(),
        );
        format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The session and rotation a refresh token claims; nothing is proved yet.
    pub fn read_refresh(token: &str) -> Result<RefreshClaim> {
        let body = token.strip_prefix(REFRESH_PREFIX).filter(|b| b.len() <= 200).ok_or(REFUSED)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| REFUSED)?;
        let session: [u8; 16] = bytes.get(..16).and_then(|b| b.try_into().ok()).ok_or(REFUSED)?;
        let rotation: [u8; 8] = bytes.get(16..24).and_then(|b| b.try_into().ok()).ok_or(REFUSED)?;
        let mac: [u8; 32] = bytes.get(24..).and_then(|b| b.try_into().ok()).ok_or(REFUSED)?;
        Ok(RefreshClaim {
            session: SessionId::from_uuid(uuid::Uuid::from_bytes(session)),
            rotation: i64::from_be_bytes(rotation),
            mac,
        })
    }

    /// Whether the claim was made by this installation for this tenant and session.
    #[must_use]
    pub fn proves(&self, claim: &RefreshClaim, tenant: TenantId, seed: &[u8]) -> bool {
        self.refresh_mac(tenant, claim.session, seed, claim.rotation)
            .verify_slice(&claim.mac)
            .is_ok()
    }

    fn refresh_mac(
        &self,
        tenant: TenantId,
        session: SessionId,
        seed: &[u8],
        rotation: i64,
    ) -> Hmac<Sha256> {
        // A key shorter than the hash's block is padded with zeros (RFC 2104), so the block is the key.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.refresh_key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(b"vivero refresh 1\0");
        mac.update(tenant.uuid().as_bytes());
        mac.update(session.uuid().as_bytes());
        mac.update(&rotation.to_be_bytes());
        mac.update(seed);
        mac
    }
}

/// What a refresh token says of itself.
#[derive(Clone)]
pub struct RefreshClaim {
    /// The session it belongs to.
    pub session: SessionId,
    /// Which token of the session's family it is.
    pub rotation: i64,
    mac: [u8; 32],
}

impl fmt::Debug for RefreshClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshClaim")
            .field("session", &self.session)
            .field("rotation", &self.rotation)
            .finish_non_exhaustive()
    }
}

/// What to do with a proven refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is the current one: advance.
    Advance,
    /// It is the predecessor of a successor nobody has used: give that successor again.
    Repeat,
    /// It was used before: the family is stolen, end it.
    Reused,
}

/// The rule of rotation; `current` is the session's rotation, `presented` the token's.
#[must_use]
pub const fn rotation_rule(current: i64, presented: i64) -> Rotation {
    if presented == current {
        Rotation::Advance
    } else if presented >= 0 && presented < current && current - presented == 1 {
        Rotation::Repeat
    } else {
        Rotation::Reused
    }
}

/// What a sign-in or refresh hands out.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// Goes with every request.
    pub access_token: String,
    /// Exchanged for the next pair.
    pub refresh_token: String,
    /// Seconds the access token is good for.
    pub expires_in: i64,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(..)")
    }
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Ends when not used for so long.
    pub idle: Duration,
    /// Ends however much it is used.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { idle: Duration::days(7), absolute: Duration::days(30) }
    }
}

/// Random text with 256 bits: invitations, platform keys.
#[must_use]
pub fn random_secret(ids: &dyn IdSource, prefix: &str) -> String {
    let mut bytes = [0; 32];
    ids.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256 in hex: how high-entropy secrets are stored.
#[must_use]
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

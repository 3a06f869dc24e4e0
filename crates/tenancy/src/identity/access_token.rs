//! Access tokens: short-lived proof of a session, checked without the database for everything but revocation.
//!
//! Invariant: one algorithm (HS256), one key, one audience; what the token's own header says decides nothing.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Secret, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Who may take the token: a refresh token, or a token of another purpose under the same key, is not for us.
const AUDIENCE: &str = "konstruct-api";
pub(super) const LIFETIME: TimeDelta = TimeDelta::minutes(10);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
    aud: String,
}

pub(super) struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl AccessTokens {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "aud"]);
        // The times are compared with our own clock below, without leeway: the same machines make and check.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    pub(super) fn issue(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<Secret, Error> {
        let now = now.timestamp();
        let claims = Claims {
            sub: user,
            sid: session,
            iat: now,
            nbf: now,
            exp: now + LIFETIME.num_seconds(),
            aud: AUDIENCE.to_owned(),
        };
        Ok(Secret::new(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?))
    }

    /// The user and the session a token speaks of, if it is ours and of now.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<(UserId, SessionId)> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        let now = now.timestamp();
        // Two nodes' clocks may differ by a little where a token is taken the moment it was made.
        (claims.nbf - 5 <= now && now < claims.exp).then_some((claims.sub, claims.sid))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn claims() -> Value {
        let now = now().timestamp();
        json!({
            "sub": UserId::from_uuid(uuid::Uuid::from_u128(1)), "sid": SessionId::from_uuid(uuid::Uuid::from_u128(2)),
            "iat": now, "nbf": now, "exp": now + 600, "aud": AUDIENCE,
        })
    }

    fn signed(header: &Header, claims: &Value, key: &[u8]) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(key)).unwrap()
    }

    fn without_signature(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(header), part(claims))
    }

    #[test]
    fn a_token_speaks_of_its_user_and_session_until_it_expires() {
        let (tokens, user, session) = (AccessTokens::new(&KEY), UserId::new(), SessionId::new());
        let token = tokens.issue(user, session, now()).unwrap();
        assert_eq!(tokens.verify(token.expose(), now()), Some((user, session)));
        let last = now() + LIFETIME - TimeDelta::seconds(1);
        assert_eq!(tokens.verify(token.expose(), last), Some((user, session)));
        assert_eq!(tokens.verify(token.expose(), now() + LIFETIME), None, "expired");
        assert_eq!(tokens.verify(token.expose(), now() - TimeDelta::minutes(1)), None, "not valid yet");
    }

    #[test]
    fn forged_tokens_are_refused() {
        let tokens = AccessTokens::new(&KEY);
        let (hs256, good) = (Header::new(Algorithm::HS256), claims());
        assert!(tokens.verify(&signed(&hs256, &good, &KEY), now()).is_some(), "the forgeries differ in one thing each");

        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            claims
        };
        let mut forged = vec![
            ("another key", signed(&hs256, &good, &[8; 32])),
            ("another algorithm of the family", signed(&Header::new(Algorithm::HS512), &good, &KEY)),
            ("wrong audience", signed(&hs256, &with("aud", json!("konstruct-refresh")), &KEY)),
            ("no audience", signed(&hs256, &without("aud"), &KEY)),
            ("no expiry", signed(&hs256, &without("exp"), &KEY)),
            ("expired", signed(&hs256, &with("exp", json!(now().timestamp())), &KEY)),
            ("not valid yet", signed(&hs256, &with("nbf", json!(now().timestamp() + 60)), &KEY)),
            ("an expiry that is a text", signed(&hs256, &with("exp", json!("never")), &KEY)),
            ("no session", signed(&hs256, &without("sid"), &KEY)),
            ("nothing", String::new()),
            ("garbage", "a.b.c".to_owned()),
        ];
        for alg in ["none", "None", "NONE", "RS256", "ES256", "EdDSA", ""] {
            forged.push(("no signature", without_signature(&json!({ "alg": alg, "typ": "JWT" }), &good)));
        }
        for (why, token) in forged {
            assert_eq!(tokens.verify(&token, now()), None, "{why}");
        }
    }

    #[test]
    fn a_key_that_the_token_brings_along_is_not_looked_at() {
        let tokens = AccessTokens::new(&KEY);
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("../../dev/null".into());
        header.jku = Some("https://evil.test/keys".into());
        header.x5u = Some("https://evil.test/cert".into());
        assert_eq!(tokens.verify(&signed(&header, &claims(), &[0; 32]), now()), None);
        assert_eq!(tokens.verify(&signed(&header, &claims(), b""), now()), None);
    }
}

//! Reading a body whole, within bounds.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use bytes::BytesMut;
use futures::StreamExt as _;
use tokio::time::timeout;

use crate::problem::Problem;
use crate::router::BODY_LIMIT;

/// Until a body must be there: Slack gives up after three seconds, a slow phone needs a little longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of a body that is too large is still taken in. A client that is cut off in the middle of sending reads a
/// broken connection, not the refusal.
const DISCARDED: usize = 16 * 1024 * 1024;

/// The body; a problem where it is larger than [`BODY_LIMIT`], breaks off or takes too long.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let fits = announced.is_none_or(|length| length <= BODY_LIMIT);
    let read = async {
        match if fits { collect(&mut chunks).await? } else { None } {
            Some(body) => Ok(body),
            None => {
                discard(chunks).await;
                Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)))
}

/// `None`: it is too large. A body of one piece, as most are, is not copied.
async fn collect(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    let broken = |_| Problem::of_status(StatusCode::BAD_REQUEST);
    let Some(first) = chunks.next().await.transpose().map_err(broken)? else { return Ok(Some(Bytes::new())) };
    let Some(second) = chunks.next().await.transpose().map_err(broken)? else {
        return Ok((first.len() <= BODY_LIMIT).then_some(first));
    };
    let mut whole = BytesMut::with_capacity(first.len() + second.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = chunks.next().await.transpose().map_err(broken)? {
        whole.extend_from_slice(&chunk);
        if whole.len() > BODY_LIMIT {
            return Ok(None);
        }
    }
    Ok((whole.len() <= BODY_LIMIT).then(|| whole.freeze()))
}

async fn discard(mut chunks: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        discarded += chunk.len();
        if discarded > DISCARDED {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    async fn status(sizes: &[usize]) -> Result<usize, StatusCode> {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, std::io::Error>(vec![b' '; *size])).collect();
        let body = Body::from_stream(stream::iter(chunks));
        read(&HeaderMap::new(), body).await.map(|body| body.len()).map_err(|problem| problem.status())
    }

    #[tokio::test]
    async fn a_body_is_taken_whole_up_to_the_limit_in_however_many_pieces() {
        for sizes in [&[][..], &[BODY_LIMIT], &[1, BODY_LIMIT - 1], &[BODY_LIMIT / 2, 1, 2, BODY_LIMIT / 2 - 3]] {
            assert_eq!(status(sizes).await, Ok(sizes.iter().sum()));
        }
        for sizes in [&[BODY_LIMIT + 1][..], &[1, BODY_LIMIT], &[1, 1, BODY_LIMIT], &[DISCARDED, DISCARDED]] {
            assert_eq!(status(sizes).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let chunks = [Ok(vec![b' '; 10]), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(stream::iter(chunks));
        let refused = read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    }
}

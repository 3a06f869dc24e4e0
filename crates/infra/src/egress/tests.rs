use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::{Addrs, Name, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const SOON: Timeouts = Timeouts::within(Duration::from_secs(5));
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// URLs that lead, or try to lead, somewhere private. `CANARY` is the port of the listener that must stay alone.
const HOSTILE: &[&str] = &[
    // Loopback and "this host", in every spelling a URL knows.
    "http://127.0.0.1:CANARY/",
    "http://127.0.0.1.:CANARY/",
    "http://127.1:CANARY/",
    "http://127.0.1:CANARY/",
    "http://2130706433:CANARY/",
    "http://0x7f000001:CANARY/",
    "http://0x7f.0.0.1:CANARY/",
    "http://0x7f.1:CANARY/",
    "http://017700000001:CANARY/",
    "http://0177.0.0.01:CANARY/",
    "http://127.255.255.254:CANARY/",
    "http://0.0.0.0:CANARY/",
    "http://0:CANARY/",
    "http://0.1.2.3:CANARY/",
    "http://localhost:CANARY/",
    "http://localhost.:CANARY/",
    "http://LOCALHOST:CANARY/",
    "http://①②⑦.⓪.⓪.①:CANARY/",
    "http://127。0。0。1:CANARY/",
    "http://[::1]:CANARY/",
    "http://[::]:CANARY/",
    "http://[0:0:0:0:0:0:0:1]:CANARY/",
    "http://[::127.0.0.1]:CANARY/",
    // IPv4 within IPv6: mapped, NAT64, 6to4, Teredo.
    "http://[::ffff:127.0.0.1]:CANARY/",
    "http://[::ffff:7f00:1]:CANARY/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001::7f00:1]/",
    // Private, shared, benchmarking, documentation, multicast and reserved networks.
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.255.255/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://100.100.100.200/",
    "http://192.0.0.170/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[fec0::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    // Link-local networks and where clouds keep their metadata.
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.0.1/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://168.63.129.16/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    // Other schemes, and user names that dress up as hosts.
    "file:///etc/passwd",
    "gopher://127.0.0.1:CANARY/_GET",
    "ftp://127.0.0.1/",
    "unix:///run/docker.sock",
    "data:text/plain,x",
    "http://example.com@127.0.0.1:CANARY/",
    "https://user:password@example.com/",
    "http://127.0.0.1:CANARY#@example.com/",
    "http://127.0.0.1:CANARY\\@example.com/",
    // Names that somebody else's resolver points inwards.
    "http://inward.test:CANARY/",
    "http://mixed.test:CANARY/",
    "http://mapped.test:CANARY/",
    "http://metadata.test/",
    "https://inward.test:CANARY/",
    "http://rebinding.test:CANARY/",
];

/// Answers like a hostile name server.
#[derive(Default)]
struct Names {
    /// Of the name that leads elsewhere each time.
    lookups: AtomicUsize,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let earlier = || self.lookups.fetch_add(1, Ordering::Relaxed);
        let addresses: &[&str] = match name.as_str().to_ascii_lowercase().trim_end_matches('.') {
            "inward.test" => &["127.0.0.1:0"],
            "mixed.test" => &["93.184.215.14:0", "127.0.0.1:0"],
            "mapped.test" => &["[::ffff:127.0.0.1]:0"],
            "metadata.test" => &["169.254.169.254:0"],
            "rebinding.test" if earlier().is_multiple_of(2) => &["127.0.0.1:0"],
            "rebinding.test" => &["93.184.215.14:0"],
            _ => &[],
        };
        let found: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

/// A listener that answers every connection with `answer` and closes it; counts the connections.
async fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, hits) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&hits);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (port, hits)
}

fn egress(allow_private: bool) -> Egress {
    Egress::with_resolver(EgressOptions { allow_private, ..Default::default() }, Arc::new(Names::default())).unwrap()
}

async fn get(egress: &Egress, url: &str, reach: Reach) -> Result<Response, EgressError> {
    egress.send(egress.request(Method::GET, &url.parse().unwrap(), reach)?, SOON).await
}

#[tokio::test]
async fn nothing_hostile_reaches_a_private_address() {
    let ((canary, hits), egress) = (server(OK).await, egress(false));
    assert!(HOSTILE.len() >= 60);
    for hostile in HOSTILE {
        let hostile = hostile.replace("CANARY", &canary.to_string());
        // What the URL parser itself refuses never becomes a call.
        let Ok(url) = hostile.parse::<Url>() else { continue };
        let result = match egress.request(Method::GET, &url, Reach::Public) {
            Ok(call) => egress.send(call, SOON).await,
            Err(error) => Err(error),
        };
        let error = result.expect_err(&hostile);
        assert!(matches!(error, EgressError::Refused { .. }), "{hostile}: {error:?}");
        assert_eq!(error.had_effect(), Effect::No);
    }
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_that_was_public_when_checked_cannot_lead_inwards_when_connected() {
    let ((canary, hits), names) = (server(OK).await, Arc::new(Names::default()));
    let resolver = Arc::clone(&names) as Arc<dyn Resolve>;
    let options = EgressOptions { connect: Duration::from_millis(50), ..Default::default() };
    let egress = Egress::with_resolver(options, resolver).unwrap();
    let url = format!("http://rebinding.test:{canary}/");
    // The first answer is inward and refused, the second public and connected to as it stands, and so on.
    for lookups in 1..=4 {
        assert!(get(&egress, &url, Reach::Public).await.is_err());
        assert_eq!(names.lookups.load(Ordering::Relaxed), lookups, "one look-up a connection");
    }
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn public_addresses_are_within_reach() {
    for public in
        ["http://93.184.215.14/", "https://8.8.8.8/", "https://[2606:2800:21f:cb07::1]/", "http://[64:ff9b::808:808]/"]
    {
        assert!(check_url(&public.parse().unwrap(), Reach::Public).is_ok(), "{public}");
    }
}

#[tokio::test]
async fn the_operators_urls_and_an_open_installation_reach_private_networks_but_never_metadata() {
    let (port, hits) = server(OK).await;
    for (egress, reach) in [(egress(false), Reach::Private), (egress(true), Reach::Public)] {
        for host in ["127.0.0.1", "inward.test"] {
            let answer = get(&egress, &format!("http://{host}:{port}/"), reach).await.unwrap();
            assert_eq!(read_limited(answer, 100).await.unwrap(), "ok");
        }
        for metadata in ["http://169.254.169.254/", "http://metadata.test/", "http://[fd00:ec2::254]/"] {
            assert!(matches!(get(&egress, metadata, reach).await, Err(EgressError::Refused { .. })), "{metadata}");
        }
    }
    assert_eq!(hits.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_redirect_is_an_answer_not_an_order() {
    let (inner, hits) = server(OK).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n");
    let (port, _) = server(redirect.leak()).await;
    let answer = get(&egress(true), &format!("http://127.0.0.1:{port}/"), Reach::Public).await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_failure_tells_whether_the_call_may_have_had_an_effect_and_never_the_url() {
    let (dead, _) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap().port(), ())
    };
    let (cut, _) = server("HTTP/1.1 200 OK\r\nconte").await;
    let egress = egress(true);
    for (port, effect) in [(dead, Effect::No), (cut, Effect::Maybe)] {
        let error = get(&egress, &format!("http://127.0.0.1:{port}/bot-token-1"), Reach::Public).await.unwrap_err();
        assert_eq!(error.had_effect(), effect, "{error:?}");
        assert!(!format!("{error:?} {error}").contains("bot-token"), "{error:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_may_have_done_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let egress = egress(true);
    for timeouts in [Timeouts::stream(Duration::from_millis(20)), Timeouts::within(Duration::from_millis(20))] {
        let call = egress.request(Method::POST, &url, Reach::Public).unwrap();
        let error = egress.send(call, timeouts).await.unwrap_err();
        assert!(matches!(error, EgressError::Timeout { .. }), "{error:?}");
        assert_eq!(error.had_effect(), Effect::Maybe);
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_cap_whether_announced_or_not() {
    let egress = egress(true);
    for answer in [OK, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"] {
        let url = format!("http://127.0.0.1:{}/", server(answer).await.0);
        assert_eq!(read_limited(get(&egress, &url, Reach::Public).await.unwrap(), 2).await.unwrap(), "ok");
        let error = read_limited(get(&egress, &url, Reach::Public).await.unwrap(), 1).await.unwrap_err();
        assert!(matches!(error, EgressError::TooLarge { max: 1 }), "{error:?}");
    }
    let cut = format!("http://127.0.0.1:{}/", server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal").await.0);
    let error = read_limited(get(&egress, &cut, Reach::Public).await.unwrap(), 100).await.unwrap_err();
    assert!(matches!(error, EgressError::Broken(_)), "{error:?}");
}

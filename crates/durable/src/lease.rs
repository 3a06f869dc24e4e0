use std::time::Duration;

use kernel::NodeId;
use parking_lot::RwLock;
use tokio::time::Instant;

/// How long a node's claims stand without a sign of life, by the database's clock.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How much earlier the node itself stops believing in them.
const MARGIN: Duration = Duration::from_millis(1500);

/// Which node this process is, and until when it may act as such.
///
/// The monotonic clock goes on while a process is frozen, so a process that wakes up after its lease knows.
pub(crate) struct Lease {
    state: RwLock<(NodeId, Instant)>,
}

impl Lease {
    /// `asked`: the moment before the database granted it.
    pub(crate) fn new(node: NodeId, asked: Instant) -> Self {
        Self { state: RwLock::new((node, asked + LEASE - MARGIN)) }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.state.read().0
    }

    /// Whether whatever this node holds is surely still its own.
    pub(crate) fn valid(&self) -> bool {
        Instant::now() < self.state.read().1
    }

    /// Whether what was taken as `node` is surely still its own.
    pub(crate) fn valid_as(&self, node: Option<NodeId>) -> bool {
        let (current, until) = *self.state.read();
        node == Some(current) && Instant::now() < until
    }

    pub(crate) fn renew(&self, asked: Instant) {
        self.state.write().1 = asked + LEASE - MARGIN;
    }

    /// This process goes on as another node: all that the former one held is lost.
    pub(crate) fn reborn(&self, node: NodeId, asked: Instant) {
        *self.state.write() = (node, asked + LEASE - MARGIN);
    }
}

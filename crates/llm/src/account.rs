use kernel::{AgentId, ConversationId, ProjectId, TenantId, VirtualKeyId};

/// Whom a model call is made for: what it is charged to, limited by and shown under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    pub tenant: TenantId,
    pub project: Option<ProjectId>,
    pub agent: Option<AgentId>,
    pub conversation: Option<ConversationId>,
    /// The gateway's key that the call came with; `None` for the product's own calls.
    pub key: Option<VirtualKeyId>,
}

impl Account {
    /// A call of nobody in particular within an organisation.
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant, project: None, agent: None, conversation: None, key: None }
    }
}

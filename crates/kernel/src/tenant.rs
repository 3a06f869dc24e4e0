use crate::TenantId;

/// Whose data a piece of work is about. There is no default and no "all": work without one cannot reach the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TenantCtx {
    pub tenant: TenantId,
}

impl TenantCtx {
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant }
    }
}

impl From<TenantId> for TenantCtx {
    fn from(tenant: TenantId) -> Self {
        Self { tenant }
    }
}

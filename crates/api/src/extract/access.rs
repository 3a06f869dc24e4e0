//! Who calls and what they may do there, proved before the handler begins.
//!
//! Invariant: a handler of an organisation's data takes one of these; its type names the permission.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use db::TenantTx;
use kernel::{ProjectId, Secret, TenantId};
use tenancy::{Access, Actor, Permission, Principal};

use super::Id;
use crate::problem::Problem;
use crate::state::AppState;

/// Anybody who has proved who they are.
pub(crate) struct Auth(pub Principal);

impl FromRequestParts<AppState> for Auth {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let bearer = bearer(&parts.headers).ok_or_else(Problem::no_bearer)?;
        Ok(Self(app.identity.authenticate(bearer).await?))
    }
}

/// The operator of the installation.
pub(crate) struct AsOperator(pub Actor);

impl FromRequestParts<AppState> for AsOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Auth(principal) = Auth::from_request_parts(parts, app).await?;
        Ok(Self(principal.operator()?))
    }
}

/// Somebody who has permission `P` in the organisation of the path.
pub(crate) struct InOrganisation<P> {
    pub access: Access,
    permission: PhantomData<P>,
}

impl<P: Permit> FromRequestParts<AppState> for InOrganisation<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let access = access(parts, app).await?;
        if let Some(permission) = P::PERMISSION {
            access.require(permission, None)?;
        }
        Ok(Self { access, permission: PhantomData })
    }
}

impl<P> InOrganisation<P> {
    /// Opens a transaction of the organisation.
    pub(crate) async fn begin(&self, app: &AppState) -> Result<TenantTx, Problem> {
        Ok(app.db.tenant(self.access.tenant).await?)
    }
}

/// Somebody who has permission `P` in the project of the path, which exists.
pub(crate) struct InProject<P> {
    pub access: Access,
    pub project: ProjectId,
    permission: PhantomData<P>,
}

impl<P: Permit> FromRequestParts<AppState> for InProject<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let access = access(parts, app).await?;
        let Id(project) = Id::<ProjectId>::from_request_parts(parts, app).await?;
        let mut tx = app.db.tenant(access.tenant).await?;
        tenancy::projects::find(&mut tx, &access, project).await?;
        if let Some(permission) = P::PERMISSION {
            access.require(permission, Some(project))?;
        }
        Ok(Self { access, project, permission: PhantomData })
    }
}

impl<P> InProject<P> {
    /// Opens a transaction of the organisation.
    pub(crate) async fn begin(&self, app: &AppState) -> Result<TenantTx, Problem> {
        Ok(app.db.tenant(self.access.tenant).await?)
    }

    /// Hides what belongs to another project.
    pub(crate) fn owns(&self, project: ProjectId) -> Result<(), Problem> {
        if project == self.project { Ok(()) } else { Err(Problem::not_found()) }
    }
}

/// What a caller showed, kept to ask again later.
#[derive(Clone)]
pub(crate) struct Caller(Secret);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &AppState) -> Result<Self, Problem> {
        bearer(&parts.headers).map(|token| Self(token.into())).ok_or_else(Problem::no_bearer)
    }
}

impl Caller {
    /// Whether the caller still has permission `P`; not once the token has expired.
    pub(crate) async fn may<P: Permit>(&self, app: &AppState, tenant: TenantId, project: ProjectId) -> bool {
        let check = async {
            let principal = app.identity.authenticate(self.0.expose()).await?;
            let access = app.identity.access(&principal, tenant).await?;
            match P::PERMISSION {
                Some(permission) => access.require(permission, Some(project)),
                None => Ok(()),
            }
        };
        check.await.is_ok()
    }
}

/// A permission as a type, for a handler's signature.
pub(crate) trait Permit: Send + Sync + 'static {
    /// `None`: belonging there is enough, and the handler shows what the caller may see.
    const PERMISSION: Option<Permission>;
}

/// Whoever belongs to the organisation in any way.
pub(crate) struct Belonging;

impl Permit for Belonging {
    const PERMISSION: Option<Permission> = None;
}

macro_rules! permits {
    ($($name:ident),* $(,)?) => {
        /// One type for each permission that a route asks for.
        pub(crate) mod permit {
            $(pub(crate) struct $name;

            impl super::Permit for $name {
                const PERMISSION: Option<super::Permission> = Some(super::Permission::$name);
            })*
        }
    };
}

permits! {
    ProjectRead,
    ProjectWrite,
    ProjectDelete,
    AgentsRead,
    AgentsWrite,
    ConversationsRead,
    ConversationsWrite,
    ConnectionsRead,
    ConnectionsWrite,
    ModelsRead,
    ModelsWrite,
    KeysRead,
    KeysWrite,
    AuditRead,
}

async fn access(parts: &mut Parts, app: &AppState) -> Result<Access, Problem> {
    let Auth(principal) = Auth::from_request_parts(parts, app).await?;
    let Id(organisation) = Id::<TenantId>::from_request_parts(parts, app).await?;
    Ok(app.identity.access(&principal, organisation).await?)
}

/// The token of an `Authorization: Bearer` header (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

//! Applying documents: bringing an installation, or one organisation, to what they say.
//!
//! The operator applies documents of every kind, each in a transaction of its own. A member of an organisation, an API
//! key for instance, applies those of this organisation, as far as their rights go, all in one transaction.
//!
//! Invariant: applying the same documents twice changes nothing the second time.
//! Invariant: nothing is changed before every document has been read and understood.

mod agent;
mod connection;
mod document;
mod error;
mod keys;
mod member;
mod models;
mod operator;
mod order;
mod organisation;
mod prune;
mod report;
mod user;

use agents::tools::Tools;
use channels::{Author, Channels};
use db::{Db, TenantTx};
use infra::{Egress, Sealer};
use kernel::ProjectId;
use tenancy::{Access, Actor, Identity, Permission};

pub use document::{Document, read, understand};
pub use error::Error;
pub use report::{Change, Line, Report};

use document::Wanted;
use error::invalid;

/// What is worked with.
#[derive(Clone)]
pub struct Workshop {
    pub db: Db,
    pub sealer: Sealer,
    pub egress: Egress,
    pub identity: Identity,
    pub channels: Channels,
    pub tools: Tools,
}

impl Workshop {
    /// Applies one document of an organisation.
    async fn one(&self, tx: &mut TenantTx, access: &Access, wanted: &Wanted) -> Result<Change, Error> {
        match wanted {
            Wanted::Project(it) => self.project(tx, access, it).await,
            Wanted::Provider(it) => self.provider(tx, access, it).await,
            Wanted::ModelGroup(it) => self.model_group(tx, access, it).await,
            Wanted::Price(it) => self.price(tx, access, it).await,
            Wanted::VirtualKey(it) => self.virtual_key(tx, access, it).await,
            Wanted::Agent(it) => self.agent(tx, access, it).await,
            Wanted::Connection(it) => self.connection(tx, access, it).await,
            Wanted::Organisation(_) | Wanted::User(_) | Wanted::ChannelApp(_) => {
                Err(Error::Forbidden("only the operator applies this kind: `konstruct apply --data-dir`".to_owned()))
            }
        }
    }
}

/// Whether the operator writes, who may point into private networks, or somebody of the organisation.
fn author(access: &Access) -> Author {
    match access.actor {
        Actor::System | Actor::Operator { .. } => Author::Operator,
        Actor::User { .. } | Actor::Key { .. } => Author::Member,
    }
}

/// The project of this name, in which the caller may do that. One in which nothing is granted to them is not told
/// apart from one that does not exist.
async fn find_project(
    tx: &mut TenantTx,
    access: &Access,
    permission: Permission,
    name: &str,
) -> Result<ProjectId, Error> {
    let found = tenancy::projects::find_by_name(tx, name).await?;
    let permitted = found.map(|project| access.require(permission, Some(project.id)).map(|()| project.id));
    match permitted {
        None | Some(Err(tenancy::Error::NotFound(_))) => invalid(format!("there is no project \"{name}\"")),
        Some(permitted) => Ok(permitted?),
    }
}

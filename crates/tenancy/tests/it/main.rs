//! Identity, members, keys and organisations on a real PostgreSQL, beneath the HTTP API.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod api_keys;
mod deletion;
mod invitations;
mod members;
mod project_deletion;
mod sessions;
mod tenants;

use db::Db;
use infra::Sealer;
use kernel::{Clock, Secret, TenantId};
use tenancy::{Access, Actor, Error, Identity, Login, NewUser, Principal, Role, Tokens, User};
use testkit::TestDb;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A database with identity on it, and organisations and users to be made.
pub(crate) struct House {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) clock: Clock,
    pub(crate) sealer: Sealer,
    pub(crate) database: TestDb,
}

impl House {
    pub(crate) async fn new() -> Self {
        let database = TestDb::new().await;
        let db = database.connect_pools(10).await;
        let dir = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(&dir.path().join("master.key")).unwrap();
        let clock = Clock::manual(Clock::system().now());
        let identity = Identity::new(db.clone(), &sealer, clock.clone());
        Self { db, identity, clock, sealer, database }
    }

    pub(crate) async fn organisation(&self, name: &str) -> TenantId {
        let mut tx = self.db.system("test").await.unwrap();
        let made = tenancy::organisations::create(&mut tx, &Actor::System, name, name).await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    pub(crate) async fn user(&self, email: &str) -> User {
        let password = Secret::new(PASSWORD);
        let new = NewUser { email, display_name: None, password: Some(&password) };
        self.identity.put_user(new).await.unwrap().0
    }

    /// A user with a role over the whole organisation, signed in.
    pub(crate) async fn member(&self, organisation: TenantId, email: &str, role: Role) -> Signed {
        let user = self.user(email).await;
        let mut tx = self.db.tenant(organisation).await.unwrap();
        tenancy::members::add(&mut tx, &Access::system(organisation), user, role.name(), None).await.unwrap();
        tx.commit().await.unwrap();
        let tokens = self.login(email, PASSWORD).await.unwrap();
        Signed { principal: self.authenticate(&tokens.access_token).await.unwrap(), tokens }
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Result<Tokens, Error> {
        let password = Secret::new(password);
        let address = Some("192.0.2.1".parse().unwrap());
        self.identity.login(Login { email, password: &password, user_agent: "test", address }).await
    }

    pub(crate) async fn authenticate(&self, bearer: &Secret) -> Result<Principal, Error> {
        self.identity.authenticate(bearer.expose()).await
    }

    pub(crate) async fn access(&self, who: &Signed, organisation: TenantId) -> Access {
        self.identity.access(&who.principal, organisation).await.unwrap()
    }

    /// A statement of the superuser's, for what the product gives no way to do.
    pub(crate) async fn sql(&self, statement: &str) {
        use sqlx::Connection as _;
        let mut conn = sqlx::PgConnection::connect_with(&self.database.admin()).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect(statement);
        conn.close().await.unwrap();
    }
}

/// Somebody who has logged in.
pub(crate) struct Signed {
    pub(crate) principal: Principal,
    pub(crate) tokens: Tokens,
}

impl Signed {
    pub(crate) fn user(&self) -> User {
        self.tokens.user.clone()
    }
}

//! The operator's way: every kind, each document in a transaction of its own.

use db::TenantTx;
use kernel::TenantId;
use llm::store::Seed;
use tenancy::Access;

use crate::document::{Document, Wanted};
use crate::error::invalid;
use crate::order::in_order;
use crate::report::{Change, Line, Report};
use crate::{Error, Workshop};

impl Workshop {
    /// Applies all, telling each line as it is done, and waits until every node acts upon it; what was done before a
    /// failure is in force too. `seed`: what a new organisation begins with.
    pub async fn apply_as_operator(
        &self,
        documents: Vec<Document>,
        seed: Seed,
        prune: bool,
        tell: &mut (dyn FnMut(&Line) + Send),
    ) -> Result<Report, Error> {
        let documents = in_order(documents);
        let mut report = Report::default();
        let mut note = |line: Line| {
            tell(&line);
            report.lines.push(line);
        };
        let done = self.each(&documents, seed, prune, &mut note).await;
        if report.anything_changed() {
            let mut tx = self.db.system("what was applied is in force").await?;
            let epoch = db::bump_config_epoch(&mut tx).await?;
            tx.commit().await?;
            db::wait_until_in_force(&self.db, epoch).await?;
        }
        done.map(|()| report)
    }

    async fn each(
        &self,
        documents: &[Document],
        seed: Seed,
        prune: bool,
        note: &mut (dyn FnMut(Line) + Send),
    ) -> Result<(), Error> {
        for Document { wanted, place, .. } in documents {
            let applied = self.one_as_operator(wanted, seed).await;
            let change = applied.map_err(|error| error.at(format!("{place}: {wanted}")))?;
            note(Line { change, what: wanted.to_string() });
        }
        if prune {
            for organisation in crate::prune::organisations(documents) {
                let access = self.operators_access(organisation).await?;
                let mut tx = self.db.tenant(access.tenant).await?;
                let gone = self.prune(&mut tx, &access, organisation, documents).await?;
                let projects = self.unwanted_projects(&mut tx, &access, organisation, documents).await?;
                tx.commit().await?;
                gone.into_iter().for_each(&mut *note);
                self.remove_projects(&access, organisation, projects).await.into_iter().for_each(&mut *note);
            }
        }
        Ok(())
    }

    async fn one_as_operator(&self, wanted: &Wanted, seed: Seed) -> Result<Change, Error> {
        match wanted {
            Wanted::Organisation(it) => self.organisation(it, seed).await,
            Wanted::User(it) => self.user(it).await,
            Wanted::ChannelApp(it) => self.channel_app(it).await,
            _ => {
                let (access, mut tx) = self.enter(wanted.organisation().unwrap_or_default()).await?;
                let change = self.one(&mut tx, &access, wanted).await?;
                tx.commit().await?;
                Ok(change)
            }
        }
    }

    /// A transaction of the organisation of that name, with every right in it.
    pub(crate) async fn enter(&self, organisation: &str) -> Result<(Access, TenantTx), Error> {
        let access = self.operators_access(organisation).await?;
        let tx = self.db.tenant(access.tenant).await?;
        Ok((access, tx))
    }

    async fn operators_access(&self, organisation: &str) -> Result<Access, Error> {
        Ok(Access::system(self.tenant(organisation).await?))
    }

    async fn tenant(&self, organisation: &str) -> Result<TenantId, Error> {
        let mut tx = self.db.system("an organisation by its name").await?;
        let found = tenancy::organisations::find_by_name(&mut tx, organisation).await?;
        tx.commit().await?;
        match found {
            Some(found) => Ok(found.id),
            None => invalid(format!("there is no organisation \"{organisation}\"")),
        }
    }
}

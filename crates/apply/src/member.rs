//! An organisation's own way: its documents alone, as far as the rights go, all or nothing.

use tenancy::Access;

use crate::document::Document;
use crate::order::in_order;
use crate::report::{Line, Report};
use crate::{Error, Workshop};

impl Workshop {
    /// Applies the documents of the caller's organisation in one transaction. The caller waits until it is in force.
    pub async fn apply_as_member(
        &self,
        access: &Access,
        documents: Vec<Document>,
        prune: bool,
    ) -> Result<Report, Error> {
        let documents = in_order(documents);
        let mut tx = self.db.tenant(access.tenant).await?;
        let own = tenancy::organisations::own(&mut tx).await?.name;
        let mut report = Report::default();
        for Document { wanted, place, .. } in &documents {
            let applied = match wanted.organisation() {
                Some(named) if named != own => Err(Error::Forbidden(format!(
                    "this is organisation {own}; only the operator applies documents of others"
                ))),
                _ => self.one(&mut tx, access, wanted).await,
            };
            let change = applied.map_err(|error| error.at(format!("{place}: {wanted}")))?;
            report.lines.push(Line { change, what: wanted.to_string() });
        }
        let mut projects = Vec::new();
        if prune {
            report.lines.extend(self.prune(&mut tx, access, &own, &documents).await?);
            projects = self.unwanted_projects(&mut tx, access, &own, &documents).await?;
        }
        tx.commit().await?;
        report.lines.extend(self.remove_projects(access, &own, projects).await);
        Ok(report)
    }
}

use tenancy::{NewUser, Permission, members};

use crate::document::UserDocument;
use crate::report::Change;
use crate::{Error, Workshop, find_project};

impl Workshop {
    /// Makes or changes the account; memberships that the document does not name stay.
    pub(crate) async fn user(&self, wanted: &UserDocument) -> Result<Change, Error> {
        let existed = self.identity.find(&wanted.email).await?.is_some();
        let (user, mut changed) = self
            .identity
            .put_user(NewUser {
                email: &wanted.email,
                display_name: wanted.display_name.as_deref(),
                password: wanted.password.as_ref(),
            })
            .await?;
        for membership in &wanted.memberships {
            let (access, mut tx) = self.enter(&membership.organisation).await?;
            let project = match &membership.project {
                Some(project) => Some(find_project(&mut tx, &access, Permission::MembersWrite, project).await?),
                None => None,
            };
            changed |= members::set(&mut tx, &access, user.clone(), &membership.role, project).await?;
            tx.commit().await?;
        }
        if wanted.operator && !self.identity.is_operator(user.id).await? {
            self.identity.make_operator(user.id).await?;
            changed = true;
        }
        Ok(match (existed, changed) {
            (false, _) => Change::Created,
            (true, true) => Change::Changed(Vec::new()),
            (true, false) => Change::Unchanged,
        })
    }
}

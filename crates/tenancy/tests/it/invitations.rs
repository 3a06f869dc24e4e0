use chrono::TimeDelta;
use futures::future::join_all;
use kernel::{ErrorKind, PageRequest, ProjectId, Secret, TenantId};
use tenancy::invitations::{self, NewInvitation};
use tenancy::organisations::{self, Change};
use tenancy::{
    Acceptance, Access, Actor, Error, Invitation, Lapse, OrganisationStatus, Permission, Role, Tokens, api_keys, audit,
    members, projects,
};

use crate::{House, PASSWORD, Signed};

async fn invite(house: &House, access: &Access, email: &str, role: &str) -> Result<(Invitation, Secret), Error> {
    let new = NewInvitation { email, role, project: None };
    invitations::create(&house.db, house.clock.now(), access, new).await
}

/// The link that an owner of an organisation makes.
async fn link(house: &House, organisation: TenantId, email: &str, role: &str) -> Secret {
    invite(house, &Access::system(organisation), email, role).await.unwrap().1
}

async fn accept(house: &House, token: &Secret, password: &str) -> Result<Tokens, Error> {
    let password = Secret::new(password);
    let address = Some("192.0.2.2".parse().unwrap());
    let acceptance = Acceptance { token, password: &password, display_name: "Guest", user_agent: "test", address };
    house.identity.accept(acceptance).await
}

async fn revoke(house: &House, access: &Access, invitation: &Invitation) -> Result<(), Error> {
    let mut tx = house.db.tenant(access.tenant).await.unwrap();
    invitations::revoke(&mut tx, access, invitation.id).await?;
    Ok(tx.commit().await?)
}

async fn pending(house: &House, access: &Access) -> Vec<Invitation> {
    invitations::list(&house.db, access, &PageRequest::new(None, None)).await.unwrap().items
}

/// Why the link is worth nothing: what the offer says is what the acceptance says, and nobody is made by trying.
async fn lapse(house: &House, token: &Secret) -> Lapse {
    let told = house.identity.offer(token).await.unwrap().lapse.unwrap();
    let refused = accept(house, token, PASSWORD).await.unwrap_err();
    assert_eq!(refused.to_string(), told.to_string());
    told
}

/// Of an organisation, an owner and an admin who is signed in.
async fn admin_of(house: &House, name: &str) -> (TenantId, Signed) {
    let organisation = house.organisation(name).await;
    house.member(organisation, &format!("owner@{name}.test"), Role::Owner).await;
    (organisation, house.member(organisation, &format!("admin@{name}.test"), Role::Admin).await)
}

async fn set_role(house: &House, organisation: TenantId, who: &Signed, role: &str) {
    let mut tx = house.db.tenant(organisation).await.unwrap();
    members::set(&mut tx, &Access::system(organisation), who.user(), role, None).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_membership_begins_when_its_link_is_accepted_and_the_link_works_once() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let access = house.access(&admin, acme).await;
    let (made, token) = invite(&house, &access, " Guest@Else.test ", "member").await.unwrap();
    assert_eq!((made.email.as_str(), made.invited_by), ("guest@else.test", Some(access.actor)));
    assert!(house.login("guest@else.test", PASSWORD).await.is_err(), "nobody is made by inviting");
    assert_eq!(pending(&house, &access).await, [made]);

    let offer = house.identity.offer(&token).await.unwrap();
    assert_eq!((offer.organisation.as_str(), offer.project, offer.lapse), ("acme", None, None));
    let tokens = accept(&house, &token, PASSWORD).await.unwrap();
    assert_eq!((tokens.user.email.as_str(), tokens.user.display_name.as_str()), ("guest@else.test", "Guest"));
    let principal = house.authenticate(&tokens.access_token).await.unwrap();
    assert_eq!(house.identity.access(&principal, acme).await.unwrap().role.as_deref(), Some("member"));
    assert!(house.login("guest@else.test", PASSWORD).await.is_ok());

    assert_eq!(lapse(&house, &token).await, Lapse::Accepted);
    assert!(pending(&house, &access).await.is_empty());
    let mut tx = house.db.tenant(acme).await.unwrap();
    let entries = audit::list(&mut tx, &PageRequest::new(None, None)).await.unwrap().items;
    let by = |action: &str| entries.iter().find(|entry| entry.action == action).unwrap().actor.clone();
    assert_eq!(by("invitation.create"), format!("user:{}", admin.user().id));
    assert_eq!(by("invitation.accept"), format!("user:{}", tokens.user.id));
}

#[tokio::test]
async fn who_registered_an_address_first_gains_nothing_in_other_organisations() {
    let house = House::new().await;
    let (evil, corp) = (house.organisation("evil").await, house.organisation("corp").await);
    let squatted = link(&house, evil, "victim@corp.test", "viewer").await;
    let squatter = accept(&house, &squatted, "the squatters password").await.unwrap();
    let squatter = house.authenticate(&squatter.access_token).await.unwrap();

    let token = link(&house, corp, "victim@corp.test", "owner").await;
    let access = house.identity.access(&squatter, corp).await;
    assert_eq!(access.unwrap_err().kind(), ErrorKind::NotFound, "an invitation is no membership");
    let me = house.identity.me(&squatter).await.unwrap();
    assert!(me.organisations.iter().all(|one| one.id == evil));

    let refused = accept(&house, &token, "what the victim would choose").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated, "a link sets nobody's password anew");
    assert!(house.login("victim@corp.test", "the squatters password").await.is_ok(), "nor did it");
    assert_eq!(house.identity.offer(&token).await.unwrap().lapse, None, "and it waits on");
}

#[tokio::test]
async fn a_known_address_proves_its_password_and_keeps_its_name() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let ann = house.member(acme, "ann@acme.test", Role::Viewer).await;
    let token = link(&house, other, "ann@acme.test", "viewer").await;
    assert_eq!(accept(&house, &token, "wrong horse battery").await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    let tokens = accept(&house, &token, PASSWORD).await.unwrap();
    assert_eq!(tokens.user, ann.user(), "the same person, by the same name");
    let me = house.identity.me(&ann.principal).await.unwrap();
    assert_eq!(me.organisations.len(), 2);
}

#[tokio::test]
async fn guessing_at_a_link_is_slowed_down_like_guessing_at_the_log_in() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.user("ann@acme.test").await;
    let token = link(&house, acme, "ann@acme.test", "viewer").await;
    for _ in 0..10 {
        assert_eq!(accept(&house, &token, "wrong horse").await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    assert!(matches!(accept(&house, &token, PASSWORD).await, Err(Error::RateLimited { .. })));
    assert!(matches!(house.login("ann@acme.test", PASSWORD).await, Err(Error::RateLimited { .. })), "one count");
    house.sql("update login_failure set blocked_until = now() - interval '1 second'").await;
    assert!(accept(&house, &token, PASSWORD).await.is_ok());
    assert!(house.login("ann@acme.test", "wrong horse").await.is_err());
    assert!(house.login("ann@acme.test", PASSWORD).await.is_ok(), "a success forgives");
}

#[tokio::test]
async fn what_no_password_can_be_is_refused_alike_for_known_and_unknown_addresses() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.user("known@acme.test").await;
    for email in ["known@acme.test", "unknown@acme.test"] {
        let token = link(&house, acme, email, "viewer").await;
        for bad in ["short", &"x".repeat(300)] {
            assert_eq!(accept(&house, &token, bad).await.unwrap_err().kind(), ErrorKind::Invalid, "{email}");
        }
    }
}

#[tokio::test]
async fn a_link_lapses_after_seven_days_and_is_forgotten_after_fourteen() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let token = link(&house, acme, "guest@else.test", "viewer").await;
    house.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(house.identity.offer(&token).await.unwrap().lapse, None);
    house.clock.advance(TimeDelta::seconds(1));
    assert_eq!(lapse(&house, &token).await, Lapse::Expired);
    assert!(house.identity.find("guest@else.test").await.unwrap().is_none());
    let fresh = link(&house, other, "guest@else.test", "viewer").await;

    house.identity.sweep().await.unwrap();
    assert_eq!(lapse(&house, &token).await, Lapse::Expired, "its holder is told");
    house.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    house.identity.sweep().await.unwrap();
    assert_eq!(house.identity.offer(&token).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(lapse(&house, &fresh).await, Lapse::Expired, "the sweep takes the old ones alone");
}

#[tokio::test]
async fn a_revoked_link_and_one_that_another_replaced_are_worth_nothing() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let access = house.access(&admin, acme).await;
    let (first, revoked) = invite(&house, &access, "guest@else.test", "member").await.unwrap();
    revoke(&house, &access, &first).await.unwrap();
    assert_eq!(lapse(&house, &revoked).await, Lapse::Revoked);
    let again = revoke(&house, &access, &first).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);

    let replaced = link(&house, acme, "guest@else.test", "member").await;
    let newest = link(&house, acme, "GUEST@else.test", "viewer").await;
    assert_eq!(lapse(&house, &replaced).await, Lapse::Revoked);
    accept(&house, &newest, PASSWORD).await.unwrap();
    let member = invite(&house, &access, "guest@else.test", "viewer").await;
    assert_eq!(member.unwrap_err().kind(), ErrorKind::Conflict, "who is a member there is not invited there");
}

#[tokio::test]
async fn an_answer_to_the_inviter_is_the_same_for_known_and_unknown_addresses() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let access = house.access(&admin, acme).await;
    house.user("known@else.test").await;
    let mut answers = Vec::new();
    for email in ["known@else.test", "unknown@else.test"] {
        let (made, token) = invite(&house, &access, email, "viewer").await.unwrap();
        let offer = house.identity.offer(&token).await.unwrap();
        answers.push((made.role, made.state, offer.lapse, offer.project, token.expose().len()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn nobody_offers_a_role_above_their_own_nor_takes_such_an_offer_back() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let viewer = house.member(acme, "viewer@acme.test", Role::Viewer).await;
    let (of_admin, of_viewer) = (house.access(&admin, acme).await, house.access(&viewer, acme).await);
    assert!(matches!(invite(&house, &of_admin, "guest@else.test", "owner").await, Err(Error::AboveOwnRole)));
    let refused = invite(&house, &of_viewer, "guest@else.test", "viewer").await;
    assert!(matches!(refused, Err(Error::Forbidden(Permission::MembersWrite))), "{refused:?}");
    let unknown = invite(&house, &of_admin, "guest@else.test", "emperor").await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::Invalid);

    let (owners, token) = invite(&house, &Access::system(acme), "guest@else.test", "owner").await.unwrap();
    assert!(matches!(revoke(&house, &of_admin, &owners).await, Err(Error::AboveOwnRole)));
    assert!(matches!(invite(&house, &of_admin, "guest@else.test", "viewer").await, Err(Error::AboveOwnRole)));
    assert!(accept(&house, &token, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_link_is_void_when_the_inviter_could_not_give_the_role_any_more() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let token = invite(&house, &house.access(&admin, acme).await, "guest@else.test", "admin").await.unwrap().1;
    set_role(&house, acme, &admin, "viewer").await;
    assert_eq!(lapse(&house, &token).await, Lapse::Void, "the inviter is less");
    set_role(&house, acme, &admin, "admin").await;
    assert_eq!(house.identity.offer(&token).await.unwrap().lapse, None, "asked anew each time");

    house.sql("update users set disabled_at = now() where email = 'admin@acme.test'").await;
    assert_eq!(lapse(&house, &token).await, Lapse::Void, "the inviter is disabled");
    house.sql("update users set disabled_at = null").await;
    house
        .sql("delete from membership using users u where u.user_id = membership.user_id and u.email like 'admin%'")
        .await;
    assert_eq!(lapse(&house, &token).await, Lapse::Void, "the inviter is gone");
}

#[tokio::test]
async fn a_link_is_void_when_its_role_has_grown_above_the_inviter_or_is_gone() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    house.sql(&format!("insert into role (tenant_id, name, inherits) values ('{acme}', 'helper', 'viewer')")).await;
    let token = invite(&house, &house.access(&admin, acme).await, "guest@else.test", "helper").await.unwrap().1;
    assert_eq!(house.identity.offer(&token).await.unwrap().lapse, None);
    house.sql("update role set grants = '{billing.write}' where name = 'helper'").await;
    assert_eq!(lapse(&house, &token).await, Lapse::Void);
    house.sql("delete from role where name = 'helper'").await;
    assert_eq!(lapse(&house, &token).await, Lapse::Void);
}

#[tokio::test]
async fn a_link_of_a_key_or_of_the_operator_stands_as_long_as_they_do() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let (key, shown) =
        api_keys::create(&house.db, &house.access(&admin, acme).await, "ci", "admin", None).await.unwrap();
    let of_key = house.identity.access(&house.authenticate(&shown).await.unwrap(), acme).await.unwrap();
    let by_key = invite(&house, &of_key, "guest@else.test", "viewer").await.unwrap().1;
    assert_eq!(house.identity.offer(&by_key).await.unwrap().lapse, None);
    house.sql("update api_key set expires_at = now()").await;
    assert_eq!(lapse(&house, &by_key).await, Lapse::Void, "expired");
    house.sql("update api_key set expires_at = null").await;
    api_keys::revoke(&house.db, &Access::system(acme), key.id).await.unwrap();
    assert_eq!(lapse(&house, &by_key).await, Lapse::Void, "revoked");

    let root = house.user("root@house.test").await;
    house.identity.make_operator(root.id).await.unwrap();
    let mut operator = Access::system(acme);
    operator.actor = Actor::Operator { user: root.id };
    let by_operator = invite(&house, &operator, "guest@else.test", "owner").await.unwrap().1;
    assert_eq!(house.identity.offer(&by_operator).await.unwrap().lapse, None);
    house.sql("delete from operator").await;
    assert_eq!(lapse(&house, &by_operator).await, Lapse::Void);
}

#[tokio::test]
async fn nobody_joins_a_suspended_organisation() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let token = link(&house, acme, "guest@else.test", "viewer").await;
    for (status, expected) in
        [(OrganisationStatus::Suspended, Some(Lapse::Suspended)), (OrganisationStatus::Active, None)]
    {
        let mut tx = house.db.system("test").await.unwrap();
        let change = Change { status: Some(status), ..Change::default() };
        organisations::update(&mut tx, &Actor::System, acme, change).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(house.identity.offer(&token).await.unwrap().lapse, expected);
        assert_eq!(accept(&house, &token, PASSWORD).await.is_ok(), expected.is_none());
    }
}

#[tokio::test]
async fn of_many_acceptances_at_once_one_succeeds() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.user("known@else.test").await;
    for email in ["known@else.test", "unknown@else.test"] {
        let token = link(&house, acme, email, "viewer").await;
        let tries = join_all((0..8).map(|_| accept(&house, &token, PASSWORD))).await;
        assert_eq!(tries.iter().filter(|one| one.is_ok()).count(), 1, "{email}: {tries:?}");
        for refused in tries.iter().filter_map(|one| one.as_ref().err()) {
            assert!(matches!(refused, Error::Lapsed(Lapse::Accepted)), "{email}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn links_of_two_organisations_to_one_unknown_address_are_both_good_at_once() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let links = [link(&house, acme, "a@else.test", "viewer").await, link(&house, other, "a@else.test", "viewer").await];
    let both = join_all(links.iter().map(|token| accept(&house, token, PASSWORD))).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(both[0].as_ref().unwrap().user, both[1].as_ref().unwrap().user);
}

#[tokio::test]
async fn another_organisation_neither_sees_nor_revokes_an_invitation_nor_lends_its_name_to_a_token() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let (made, token) = invite(&house, &Access::system(acme), "guest@else.test", "viewer").await.unwrap();
    let stranger = Access::system(other);
    assert!(pending(&house, &stranger).await.is_empty());
    assert_eq!(revoke(&house, &stranger, &made).await.unwrap_err().kind(), ErrorKind::NotFound);
    let simple = |tenant: TenantId| tenant.as_uuid().simple().to_string();
    let moved = Secret::new(token.expose().replace(&simple(acme), &simple(other)));
    for unknown in [moved, "ki_nonsense".into(), "".into()] {
        assert_eq!(house.identity.offer(&unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(accept(&house, &unknown, PASSWORD).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert!(accept(&house, &token, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn nothing_of_a_token_is_stored_but_its_hash() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let token = link(&house, acme, "guest@else.test", "viewer").await;
    let (_, random) = token.expose().split_once('.').unwrap();
    assert_eq!(random.len(), 43, "256 bits");
    let mut tx = house.db.tenant(acme).await.unwrap();
    let row: String = sqlx::query_scalar("select i::text from invitation i").fetch_one(&mut *tx).await.unwrap();
    assert!(!row.contains(random), "{row}");
    let entries: Vec<String> =
        sqlx::query_scalar("select e::text from audit_entry e").fetch_all(&mut *tx).await.unwrap();
    assert!(!entries.is_empty() && entries.iter().all(|entry| !entry.contains(random)));
}

#[tokio::test]
async fn who_leads_one_project_invites_to_it_and_sees_no_other_invitations() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let system = Access::system(acme);
    let lead = house.user("lead@else.test").await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    let shop = projects::create(&mut tx, &system, "shop").await.unwrap().id;
    let other = projects::create(&mut tx, &system, "other").await.unwrap().id;
    members::add(&mut tx, &system, lead, "admin", Some(shop)).await.unwrap();
    tx.commit().await.unwrap();
    let tokens = house.login("lead@else.test", PASSWORD).await.unwrap();
    let principal = house.authenticate(&tokens.access_token).await.unwrap();
    let access = house.identity.access(&principal, acme).await.unwrap();

    let to = |access: Access, project| {
        let (db, now) = (house.db.clone(), house.clock.now());
        let new = NewInvitation { email: "guest@else.test", role: "member", project };
        async move { invitations::create(&db, now, &access, new).await }
    };
    let (made, token) = to(access.clone(), Some(shop)).await.unwrap();
    for hidden in [other, ProjectId::new()] {
        assert_eq!(to(access.clone(), Some(hidden)).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(to(access.clone(), None).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let (elsewhere, _) = to(system, Some(other)).await.unwrap();
    assert_eq!(pending(&house, &access).await, [made]);
    assert!(revoke(&house, &access, &elsewhere).await.is_err());

    let offer = house.identity.offer(&token).await.unwrap();
    assert_eq!(offer.project.as_deref(), Some("shop"));
    let guest = accept(&house, &token, PASSWORD).await.unwrap();
    let guest = house.authenticate(&guest.access_token).await.unwrap();
    let guest = house.identity.access(&guest, acme).await.unwrap();
    assert_eq!((guest.role.as_deref(), guest.projects()), (None, Some(vec![shop])));
}

#[tokio::test]
async fn a_member_is_given_a_role_elsewhere_in_the_organisation_at_once_and_a_stranger_is_not() {
    let house = House::new().await;
    let (acme, admin) = admin_of(&house, "acme").await;
    let (ann, stranger) = (house.member(acme, "ann@acme.test", Role::Viewer).await, house.user("s@else.test").await);
    let access = house.access(&admin, acme).await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    let shop = projects::create(&mut tx, &Access::system(acme), "shop").await.unwrap().id;
    tx.commit().await.unwrap();

    let made = members::extend(&house.db, &access, ann.user().id, "admin", Some(shop)).await.unwrap();
    assert_eq!((made.user.email.as_str(), made.project), ("ann@acme.test", Some(shop)));
    assert!(house.access(&ann, acme).await.can(Permission::AgentsWrite, Some(shop)));
    let above = members::extend(&house.db, &access, ann.user().id, "owner", Some(shop)).await;
    assert!(matches!(above, Err(Error::AboveOwnRole)), "{above:?}");
    for nobody in [stranger.id, kernel::UserId::new()] {
        let refused = members::extend(&house.db, &access, nobody, "viewer", Some(shop)).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

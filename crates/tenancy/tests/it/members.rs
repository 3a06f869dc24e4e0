use kernel::{ErrorKind, MemberId, PageRequest, ProjectId, TenantId};
use tenancy::{Access, Error, Permission, Role, members, projects};

use crate::{House, Signed};

async fn id_of(house: &House, organisation: TenantId, who: &Signed) -> MemberId {
    let access = Access::system(organisation);
    let page = members::list(&house.db, &access, &PageRequest::new(None, None)).await.unwrap();
    page.items.iter().find(|member| member.user.id == who.user().id).unwrap().id
}

async fn remove(house: &House, organisation: TenantId, access: &Access, id: MemberId) -> Result<(), Error> {
    let mut tx = house.db.tenant(organisation).await.unwrap();
    members::remove(&mut tx, access, id).await?;
    Ok(tx.commit().await?)
}

async fn change(house: &House, organisation: TenantId, access: &Access, id: MemberId, role: &str) -> Result<(), Error> {
    let mut tx = house.db.tenant(organisation).await.unwrap();
    members::change(&mut tx, access, id, role).await?;
    Ok(tx.commit().await?)
}

#[tokio::test]
async fn the_last_owner_cannot_go_nor_become_less() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    let (access, id) = (house.access(&owner, acme).await, id_of(&house, acme, &owner).await);
    assert_eq!(remove(&house, acme, &access, id).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(change(&house, acme, &access, id, "admin").await.unwrap_err().kind(), ErrorKind::Conflict);
    change(&house, acme, &access, id, "owner").await.unwrap();
    house.member(acme, "second@acme.test", Role::Owner).await;
    change(&house, acme, &access, id, "admin").await.unwrap();
}

#[tokio::test]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let house = House::new().await;
    for name in ["acme", "bolt", "cube", "dune"] {
        let tenant = house.organisation(name).await;
        let ann = house.member(tenant, &format!("ann@{name}.test"), Role::Owner).await;
        let bob = house.member(tenant, &format!("bob@{name}.test"), Role::Owner).await;
        let (ann_id, bob_id) = (id_of(&house, tenant, &ann).await, id_of(&house, tenant, &bob).await);
        let (of_ann, of_bob) = (house.access(&ann, tenant).await, house.access(&bob, tenant).await);
        let (one, two) = tokio::join!(remove(&house, tenant, &of_ann, bob_id), remove(&house, tenant, &of_bob, ann_id));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    }
}

#[tokio::test]
async fn nobody_gives_or_takes_a_role_above_their_own() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    house.member(acme, "second@acme.test", Role::Owner).await;
    let admin = house.member(acme, "admin@acme.test", Role::Admin).await;
    let viewer = house.member(acme, "viewer@acme.test", Role::Viewer).await;
    let (owner_id, viewer_id) = (id_of(&house, acme, &owner).await, id_of(&house, acme, &viewer).await);

    let of_admin = house.access(&admin, acme).await;
    change(&house, acme, &of_admin, viewer_id, "admin").await.unwrap();
    for refused in [
        change(&house, acme, &of_admin, viewer_id, "owner").await,
        change(&house, acme, &of_admin, owner_id, "viewer").await,
        remove(&house, acme, &of_admin, owner_id).await,
    ] {
        assert!(matches!(refused, Err(Error::AboveOwnRole)), "{refused:?}");
    }
    change(&house, acme, &of_admin, viewer_id, "viewer").await.unwrap();
    let of_viewer = house.access(&viewer, acme).await;
    let refused = change(&house, acme, &of_viewer, viewer_id, "member").await;
    assert!(matches!(refused, Err(Error::Forbidden(Permission::MembersWrite))), "{refused:?}");
    let unknown = change(&house, acme, &of_admin, viewer_id, "emperor").await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_member_of_one_project_sees_and_does_nothing_beside_it() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    let system = Access::system(acme);
    let guest = house.user("guest@else.test").await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    let shop = projects::create(&mut tx, &system, "shop").await.unwrap();
    members::add(&mut tx, &system, guest, "admin", Some(shop.id)).await.unwrap();
    tx.commit().await.unwrap();

    let tokens = house.login("guest@else.test", crate::PASSWORD).await.unwrap();
    let principal = house.authenticate(&tokens.access_token).await.unwrap();
    let access = house.identity.access(&principal, acme).await.unwrap();
    assert_eq!((access.role.as_deref(), access.projects()), (None, Some(vec![shop.id])));
    let page = PageRequest::new(None, None);
    let mut tx = house.db.tenant(acme).await.unwrap();
    let seen = projects::list(&mut tx, &access, &page).await.unwrap();
    assert_eq!(seen.items.iter().map(|one| one.id).collect::<Vec<_>>(), [shop.id]);
    let other = projects::find_by_name(&mut tx, "default").await.unwrap().unwrap();
    for hidden in [other.id, ProjectId::new()] {
        assert_eq!(projects::find(&mut tx, &access, hidden).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert!(projects::create(&mut tx, &access, "mine").await.is_err());
    drop(tx);
    let colleagues = members::list(&house.db, &access, &page).await.unwrap();
    assert_eq!(colleagues.items.len(), 1, "the organisation's owner is not shown");
    let owners = remove(&house, acme, &access, id_of(&house, acme, &owner).await).await;
    assert!(matches!(owners, Err(Error::Forbidden(_))), "{owners:?}");

    let me = house.identity.me(&principal).await.unwrap();
    let [organisation] = &me.organisations[..] else { panic!("{me:?}") };
    let mine: Vec<_> = organisation.projects.iter().map(|one| (one.id, one.role.as_str())).collect();
    assert_eq!((organisation.role.as_deref(), mine), (None, vec![(shop.id, "admin")]));
}

#[tokio::test]
async fn a_user_has_one_role_a_scope_and_setting_it_again_changes_nothing() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.member(acme, "owner@acme.test", Role::Owner).await;
    let (system, ann) = (Access::system(acme), house.member(acme, "ann@acme.test", Role::Viewer).await.user());
    let mut tx = house.db.tenant(acme).await.unwrap();
    assert!(!members::set(&mut tx, &system, ann.clone(), "viewer", None).await.unwrap());
    assert!(members::set(&mut tx, &system, ann.clone(), "member", None).await.unwrap());
    let twice = members::add(&mut tx, &system, ann, "viewer", None).await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_own_role_gives_what_it_inherits_and_grants() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.member(acme, "owner@acme.test", Role::Owner).await;
    for (name, inherits, grants) in [("auditor", "viewer", "audit.read"), ("chief", "auditor", "keys.read,not.known")] {
        let role = format!("('{acme}', '{name}', '{inherits}', '{{{grants}}}')");
        house.sql(&format!("insert into role (tenant_id, name, inherits, grants) values {role}")).await;
    }
    let ann = house.member(acme, "ann@acme.test", Role::Viewer).await;
    house.sql("update membership set role = 'chief' where role = 'viewer'").await;
    let access = house.access(&ann, acme).await;
    for (permission, expected) in [
        (Permission::AuditRead, true),
        (Permission::KeysRead, true),
        (Permission::ConversationsRead, true),
        (Permission::AgentsRead, false),
    ] {
        assert_eq!(access.can(permission, None), expected, "{permission:?}");
    }
}

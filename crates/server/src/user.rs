use anyhow::bail;
use kernel::Secret;
use tenancy::{Identity, NewUser};

use crate::config::Config;
use crate::first_run::password;
use crate::house::House;
use crate::terminal::say;

/// `konstruct user reset-password`: a new password for an account, printed once; its sessions end.
pub(crate) async fn reset_password(config: &Config, email: &str) -> anyhow::Result<()> {
    let house = House::open(config).await?;
    let done = reset(&house, email).await;
    house.close().await?;
    done
}

async fn reset(house: &House, email: &str) -> anyhow::Result<()> {
    let identity = Identity::new(house.db.clone(), &house.sealer, house.clock.clone());
    if identity.find(email).await?.is_none() {
        bail!("there is no account {email}");
    }
    let password = password()?;
    let secret = Secret::new(password.clone());
    identity.put_user(NewUser { email, display_name: None, password: Some(&secret) }).await?;
    say(format!("The password of {email} is now {password}"));
    Ok(())
}

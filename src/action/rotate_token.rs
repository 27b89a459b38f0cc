//! Giving an organisation a new token: checked first, kept where the old one was; nothing else changes.

use crate::ado::Address;
use crate::domain::project::Organisation;
use crate::secret::{self, Found};

use super::connect::{self, Checked};
use super::context::{Context, credential};
use super::error::{Error, Result};

/// Checks the new token against the organisation, then replaces the old one.
///
/// # Errors
/// Refused when the token belongs to another instance; the old one stays.
pub async fn run(ctx: &Context, organisation: &Organisation, token: &Found, place: secret::Place) -> Result<(Checked, secret::Source)> {
    let base = crate::ado::Base::new(&organisation.url)?;
    let address = Address { base, project: None, repository: None };
    let checked = connect::check(ctx, &address, &credential(token)).await?;
    if let (Some(known), Some(now)) = (&organisation.instance, &checked.connection.instance)
        && known != now
    {
        return Err(Error::refused(
            format!("{} answers as another organisation", organisation.url),
            "the old token stays; check the address",
        ));
    }
    let kept = secret::store(&ctx.tokens, &organisation.url, token, place, token.expires).await?;
    let new = crate::store::NewOrganisation {
        name: organisation.name.clone(),
        url: organisation.url.clone(),
        deployment: organisation.deployment,
        instance: checked.connection.instance.clone().or_else(|| organisation.instance.clone()),
        me: Some(checked.connection.me.clone()),
    };
    ctx.store.put_organisation(&new, ctx.clock.now()).await?;
    ctx.clients.forget(organisation.id).await;
    Ok((checked, kept))
}

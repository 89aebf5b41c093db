//! Both doors get one keyring: a key for everything, one that only reads, one that is revoked, and one of another tenant.

use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::keyring::{Keyring, SigningKey};
use arcoflow_core::door::token::KeyStage;
use arcoflow_core::door::webhook::{Scheme, Webhook};
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::trigger::Trigger;

/// The keys of the suite.
#[derive(Clone, Debug)]
pub struct Keys {
    /// What the doors are told.
    pub keyring: Keyring,
    /// May do everything.
    pub owner: String,
    /// May read.
    pub reader: String,
    /// May not come in any more.
    pub revoked: String,
    /// Is for another tenant.
    pub foreign: String,
}

/// The secret of the webhook `orders`, of Standard Webhooks.
pub const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The secret of the webhook `push`, of GitHub.
pub const GITHUB_SECRET: &str = "It's a Secret to Everybody";

fn webhook(name: &str, scheme: Scheme, secret: &str) -> Webhook {
    Webhook {
        name: name.to_owned(),
        scheme,
        secrets: vec![secret.to_owned()],
        trigger: Trigger::default(),
    }
}

impl Keys {
    /// The keys, always the same.
    ///
    /// # Errors
    /// When a name does not fit its grammar, which is a bug here.
    pub fn new() -> Result<Keys, String> {
        let scope_of = |tenant: &str| {
            Ok::<Scope, String>(Scope {
                tenant: TenantId::parse(tenant).map_err(|error| error.to_string())?,
                workspace: WorkspaceId::parse("main").map_err(|error| error.to_string())?,
            })
        };
        let (scope, other) = (scope_of("acme")?, scope_of("other")?);
        let [owner, reader, revoked, foreign] =
            [("owner", 1), ("reader", 2), ("revoked", 3), ("foreign", 4)]
                .map(|(name, byte)| key_of(name, &[byte; 32]));
        let mut credentials = vec![
            Credential::new("owner", &owner, scope.clone(), &Permission::ALL),
            Credential::new("reader", &reader, scope.clone(), &[Permission::Read]),
            Credential::new("revoked", &revoked, scope.clone(), &Permission::ALL),
            Credential::new("foreign", &foreign, other, &Permission::ALL),
        ];
        credentials[2].revoked = true;
        let signing = |id: &str, byte: &str, stage| SigningKey {
            id: id.to_owned(),
            secret: byte.repeat(32),
            stage,
        };
        let keyring = Keyring {
            tenant: scope.tenant,
            workspace: scope.workspace,
            audience: "contract".to_owned(),
            token_keys: vec![
                signing("k2", "22", KeyStage::Active),
                signing("k1", "11", KeyStage::Retiring),
                signing("k0", "00", KeyStage::Revoked),
            ],
            credentials,
            shards: 1,
            webhooks: vec![
                webhook("orders", Scheme::Standard, STANDARD_SECRET),
                webhook("push", Scheme::Github, GITHUB_SECRET),
            ],
        };
        Ok(Keys {
            keyring,
            owner,
            reader,
            revoked,
            foreign,
        })
    }
}

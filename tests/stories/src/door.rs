//! The core's own door over any store: what a host does, without a socket.

use arcoflow_core::door::admit;
use arcoflow_core::door::answer::answer;
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::expire;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::Catalogs;
use arcoflow_core::door::sql::{Sql, StoreError};
use arcoflow_core::door::token::{KeyStage, TokenKey};
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::scope::Scope;

use crate::place::{Answer, Look, Place, Request};

/// Makes an empty store.
pub type NewStore = fn() -> Result<Box<dyn Sql>, String>;

/// The core's door over a store.
pub struct CoreDoor {
    config: Config,
    new_store: NewStore,
    store: Box<dyn Sql>,
    catalogs: Catalogs,
    limiter: Limiter,
}

/// The scope of every story.
///
/// # Errors
/// Never: its names are names.
pub fn scope() -> Result<Scope, String> {
    Ok(Scope {
        tenant: TenantId::parse("acme").map_err(|error| error.to_string())?,
        workspace: WorkspaceId::parse("main").map_err(|error| error.to_string())?,
    })
}

/// The API key of everyone in a story.
#[must_use]
pub fn api_key() -> String {
    key_of("story", &[7; 32])
}

/// What the door of a story is told, whoever hosts it: the same keys sign the same tokens.
///
/// # Errors
/// Never: its names are names.
pub fn config() -> Result<Config, String> {
    let scope = scope()?;
    let mut config = Config::new(scope.clone(), "http://127.0.0.1:2726");
    config.credentials.push(Credential::new(
        "story",
        &api_key(),
        scope,
        &Permission::ALL,
    ));
    config.token_keys.push(TokenKey {
        id: "k1".to_owned(),
        secret: [9; 32],
        stage: KeyStage::Active,
    });
    Ok(config)
}

fn said(error: StoreError) -> String {
    format!("the store failed: {}", error.detail)
}

impl CoreDoor {
    /// A door over an empty store.
    ///
    /// # Errors
    /// When the store does not take the tables.
    pub fn open(new_store: NewStore) -> Result<CoreDoor, String> {
        let mut store = new_store()?;
        schema::install(&mut *store).map_err(said)?;
        Ok(CoreDoor {
            config: config()?,
            new_store,
            store,
            catalogs: Catalogs::default(),
            limiter: Limiter::default(),
        })
    }

    fn respond(
        &mut self,
        moment: Moment,
        head: &Head<'_>,
        body: &[u8],
    ) -> Result<Response, String> {
        let admitted = match admit::admit(&self.config, &mut self.limiter, head, moment.now_ms) {
            Ok(admitted) => admitted,
            Err(problem) => return Ok(Response::problem(&problem, moment.request())),
        };
        if body.len() > admitted.route.body_cap && admitted.route.body_cap > 0 {
            let problem = admit::too_large(admitted.route);
            return Ok(Response::problem(&problem, moment.request()));
        }
        answer(
            &self.config,
            &mut self.catalogs,
            &admitted,
            body,
            &mut *self.store,
            moment,
        )
        .map(|outcome| outcome.response)
        .map_err(said)
    }
}

impl Place for CoreDoor {
    fn send(&mut self, moment: Moment, request: &Request) -> Result<Answer, String> {
        let authorization = format!("Bearer {}", request.token);
        let length = request.body.len().to_string();
        let mut headers = vec![("authorization", authorization.as_str())];
        if !request.body.is_empty() {
            headers.push(("content-type", "application/json"));
            headers.push(("content-length", &length));
        }
        if let Some(key) = &request.idempotency_key {
            headers.push(("idempotency-key", key));
        }
        let head = Head {
            method: request.method,
            target: &request.target,
            headers: &headers,
        };
        let response = self.respond(moment, &head, &request.body)?;
        let is_replayed = response
            .headers
            .iter()
            .any(|(name, value)| *name == "idempotent-replayed" && value == "true");
        Ok(Answer {
            status: response.status,
            is_replayed,
            body: response.body,
        })
    }

    fn expire(&mut self, moment: Moment) -> Result<(), String> {
        expire::expire(&self.config, &mut self.catalogs, &mut *self.store, moment)
            .map(|_| ())
            .map_err(said)
    }

    fn restart(&mut self) -> Result<(), String> {
        self.catalogs = Catalogs::default();
        self.limiter = Limiter::default();
        schema::install(&mut *self.store).map(|_| ()).map_err(said)
    }

    fn look(&mut self, look: Look<'_>) -> Result<(), String> {
        look(&mut *self.store).map_err(said)
    }

    fn empty_store(&mut self) -> Result<Box<dyn Sql>, String> {
        (self.new_store)()
    }
}

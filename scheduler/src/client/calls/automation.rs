//! Schedules, sensors and automations are called by the names that people gave them.

use arcoflow_core::wire::automation::{AutomationPage, AutomationView};
use arcoflow_core::wire::pause::PauseChange;
use arcoflow_core::wire::schedule::{SchedulePage, ScheduleView, TickRequest};
use arcoflow_core::wire::sensor::{SensorAnswer, SensorMessage, SensorPage, SensorView};
use arcoflow_core::wire::view::TriggerAnswer;

use super::{bytes_of, fresh_key, push_encoded};
use crate::client::refusal::ClientError;
use crate::client::{Call, Client};

impl Client {
    /// The schedules of the current manifest, by name.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn schedules(&self) -> Result<SchedulePage, ClientError> {
        self.json(&Call::get("/v1/schedules")).await
    }

    /// A schedule: its next tick, and what came of the last one.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn schedule(&self, name: &str) -> Result<ScheduleView, ClientError> {
        self.json(&Call::get(named("schedules", name, ""))).await
    }

    /// Pauses a schedule, or lets it go on.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn set_schedule(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&str>,
    ) -> Result<ScheduleView, ClientError> {
        self.json(&switching("schedules", name, paused, reason))
            .await
    }

    /// Starts the run of a schedule by hand. Under the same key it is started once; without one this call makes its own.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn tick_schedule(
        &self,
        name: &str,
        idempotency_key: Option<&str>,
    ) -> Result<TriggerAnswer, ClientError> {
        let key = idempotency_key.map_or_else(fresh_key, str::to_owned);
        let body = bytes_of(&TickRequest::default());
        let call = Call::post(named("schedules", name, "/tick"), body);
        self.json(&call.header("idempotency-key", key)).await
    }

    /// The sensors of the current manifest, by name.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn sensors(&self) -> Result<SensorPage, ClientError> {
        self.json(&Call::get("/v1/sensors")).await
    }

    /// A sensor: what was reported last, and what came of it.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn sensor(&self, name: &str) -> Result<SensorView, ClientError> {
        self.json(&Call::get(named("sensors", name, ""))).await
    }

    /// Pauses a sensor, or lets it go on.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn set_sensor(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&str>,
    ) -> Result<SensorView, ClientError> {
        self.json(&switching("sensors", name, paused, reason)).await
    }

    /// The automations of the current manifest, by name, with what is due.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn automations(&self) -> Result<AutomationPage, ClientError> {
        self.json(&Call::get("/v1/automations")).await
    }

    /// An automation: what is due, and what came of the last look.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn automation(&self, name: &str) -> Result<AutomationView, ClientError> {
        self.json(&Call::get(named("automations", name, ""))).await
    }

    /// Pauses an automation, or lets it go on.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn set_automation(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&str>,
    ) -> Result<AutomationView, ClientError> {
        self.json(&switching("automations", name, paused, reason))
            .await
    }

    /// Tells a sensor that something has happened. A repetition gets the answer that was given.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn tell_sensor(
        &self,
        name: &str,
        message: &SensorMessage,
    ) -> Result<SensorAnswer, ClientError> {
        let call = Call::post(named("sensors", name, "/messages"), bytes_of(message));
        self.json(&call).await
    }
}

/// The call that pauses something, or lets it go on.
fn switching(collection: &str, name: &str, paused: bool, reason: Option<&str>) -> Call<'static> {
    let change = PauseChange {
        reason: reason.map(str::to_owned),
    };
    let verb = if paused { "/pause" } else { "/resume" };
    Call::post(named(collection, name, verb), bytes_of(&change))
}

/// The path of something that people named.
fn named(collection: &str, name: &str, verb: &str) -> String {
    let mut path = format!("/v1/{collection}/");
    push_encoded(&mut path, name);
    path + verb
}

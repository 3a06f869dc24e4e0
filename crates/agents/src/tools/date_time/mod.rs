//! Tells the date and the time. Its result is journaled like any other, so a resumed turn does not see a second "now".

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::TZ_VARIANTS;
use kernel::Clock;
use serde_json::{Value, json};

use super::{Effect, Tool, ToolError};

pub(crate) struct DateTimeTool {
    clock: Clock,
}

impl DateTimeTool {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Tool for DateTimeTool {
    fn name(&self) -> &'static str {
        "date_time"
    }

    fn title(&self) -> &'static str {
        "Date and time"
    }

    fn description(&self) -> &'static str {
        "Returns the current date, time, weekday and UTC offset, in UTC or in a given time zone."
    }

    fn parameters(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "timezone": {
                    "type": ["string", "null"],
                    "description": "An IANA time zone, such as Europe/Berlin or Asia/Dubai. UTC where it is left out.",
                    "maxLength": 64,
                },
            },
            "additionalProperties": false,
        })
    }

    fn effect(&self) -> Effect {
        Effect::Pure
    }

    async fn call(&self, arguments: &Value) -> Result<String, ToolError> {
        let zone = arguments["timezone"].as_str().unwrap_or("UTC");
        tell(self.clock.now(), zone)
    }
}

fn tell(now: DateTime<Utc>, zone: &str) -> Result<String, ToolError> {
    let known = TZ_VARIANTS.iter().find(|known| known.name().eq_ignore_ascii_case(zone.trim()));
    let zone = known.ok_or_else(|| {
        ToolError::Arguments(format!("there is no time zone \"{zone}\"; give an IANA name such as Europe/Berlin"))
    })?;
    let local = now.with_timezone(zone);
    Ok(format!(
        "{} ({}, {}, week {})",
        local.format("%Y-%m-%dT%H:%M:%S%:z"),
        local.format("%A"),
        zone.name(),
        local.format("%-V")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_in_the_zone_asked_for_summer_and_winter() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (now, zone, expected) in [
            ("2026-11-20T09:17:00Z", "UTC", "2026-11-20T09:17:00+00:00 (Friday, UTC, week 47)"),
            ("2026-11-20T23:30:00Z", "europe/berlin", "2026-11-21T00:30:00+01:00 (Saturday, Europe/Berlin, week 47)"),
            ("2026-07-01T12:00:00Z", "Europe/Berlin", "2026-07-01T14:00:00+02:00 (Wednesday, Europe/Berlin, week 27)"),
            ("2026-07-01T12:00:00Z", "Asia/Kolkata", "2026-07-01T17:30:00+05:30 (Wednesday, Asia/Kolkata, week 27)"),
        ] {
            assert_eq!(tell(at(now), zone).unwrap(), expected);
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named() {
        let error = tell(DateTime::UNIX_EPOCH, "Mars/Base").unwrap_err();
        assert!(error.to_string().contains("there is no time zone \"Mars/Base\""), "{error}");
    }
}

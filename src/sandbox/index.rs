//! The page at `/`: what the sandbox plays, and how to connect. Pure.

use std::fmt::Write as _;

use serde_json::Value;

use super::player::Player;
use super::stage::Stage;

/// The page as plain text.
pub(super) fn text(stage: &Stage) -> String {
    let mut out = format!("opnode sandbox at http://{}\n\n", stage.address);
    let mut line = |text: String| {
        // Writing into a string cannot fail.
        let _infallible = writeln!(out, "{text}");
    };
    if stage.players.is_empty() {
        line("It plays no connector: none has a sandbox.yaml.".into());
    }
    for player in &stage.players {
        let (operations, collections) = (player.routes.len(), player.collections.len());
        let connector = &player.connector;
        line(format!("plays {} ({}): {operations} operations, {collections} collections of records", connector.name, connector.title));
    }
    for (_, why) in &stage.absent {
        line(why.clone());
    }
    line(format!("faults: {}", stage.faults));
    line("\nconnect with these (connections.yaml); everything in them is made up:\n\nversion: 1\nconnections:".into());
    stage.players.iter().for_each(|player| connection(player, &mut line));
    line("\nGET  /__sandbox/summary  how many requests, and refresh tokens that were used twice\nGET  /__sandbox/log      what was asked and answered, as JSON\nPOST /__sandbox/reset    back to the records of the start".into());
    out
}

fn connection(player: &Player, line: &mut impl FnMut(String)) {
    if let Some(reroute) = &player.spec.reroute {
        // A file cannot say so; an entry in one would go to the real system.
        return line(format!("  # {}: with --sandbox only; its hosts are played at {reroute}/HOST", player.connector.name));
    }
    line(format!("  {}-sandbox:", player.connector.name));
    line(format!("    connector: {}", player.connector.name));
    for property in &player.connector.properties {
        if let Some(value) = player.spec.values.get(&property.name) {
            // JSON text is YAML text.
            line(format!("    {}: {}", property.name, Value::from(value.as_str())));
        }
    }
    if let Some(size) = player.spec.limits.page_size {
        line(format!("    limits: {{ page_size: {size} }}"));
    }
}

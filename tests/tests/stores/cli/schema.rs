//! `livinglock schema`: the table for a user who may not create one.

use livinglock_tests::{Engine, READER, Scene, Server};

use super::{cli, json};
use crate::job;

/// The table in this schema, or in that of everybody: made by what the command prints, and granted as its help says.
fn grant(server: &Server, schema: Option<&str>) {
    let options = schema.map(|schema| vec!["--schema", schema]);
    let told = cli([&["schema", "postgres"], &options.unwrap_or_default()[..]].concat());
    told.shows(0, &["CREATE TABLE IF NOT EXISTS"]);
    // Once more does no harm.
    server.sql(&told.stdout);
    server.sql(&told.stdout);
    let quoted = schema.map_or_else(|| "public".to_owned(), |schema| format!("\"{schema}\""));
    server.sql(&format!(
        "GRANT SELECT, INSERT, UPDATE ON {quoted}.livinglock TO {READER}"
    ));
}

#[test]
fn it_serves_a_user_who_may_create_nothing() {
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    server.sql(&format!(
        "CREATE SCHEMA ops; GRANT USAGE ON SCHEMA ops TO {READER}; CREATE SCHEMA \"My locks\"; GRANT USAGE ON SCHEMA \"My locks\" TO {READER}"
    ));
    for (schema, query) in [
        (None, ""),
        (Some("ops"), "?schema=ops"),
        (Some("My locks"), "?schema=My%20locks"),
    ] {
        let scene = Scene::new();
        let url = format!(
            "postgres://{READER}@127.0.0.1:{}/postgres{query}#leased",
            server.port()
        );
        let work = |behaviour: &[&str]| job(&scene, &server, behaviour).set("STORE", &url);
        let refused = work(&["work", "1", "1"]).spawn().wait();
        assert_eq!(refused.code, Some(73), "{refused:?}");
        assert!(
            refused.stderr.contains("`livinglock schema postgres`"),
            "{refused:?}"
        );
        grant(&server, schema);
        let crashed = work(&["crash"]).spawn().wait();
        assert_eq!(crashed.code, None, "{crashed:?}");
        assert_eq!(json(&url)["condition"], "left");
        let ended = work(&["work", "1", "1"]).spawn().wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let holder = work(&["until", "never"]).spawn();
        scene.wait_for_owners(3);
        cli(["status", &url]).shows(0, &["held and working"]);
        let stop = cli(["stop", "--grace=50s", &url]);
        assert_eq!(stop.code, Some(0), "{stop:?}");
        assert_eq!(holder.wait().code, Some(75));
        assert_eq!(scene.overlaps(), 0);
    }
    let tables = server.sql("SELECT count(*) FROM pg_class WHERE relname = 'livinglock'");
    assert_eq!(tables, "3", "each schema has its own");
}

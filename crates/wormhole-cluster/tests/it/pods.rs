use serde_json::json;
use wormhole_cluster::{news::CONDITION, pods};

use crate::apiserver::ApiServer;

#[tokio::test]
async fn pods_are_shown_with_their_sessions() {
    let server = ApiServer::start().await;
    let pod = |name: &str, component: &str, account: Option<&str>| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "labels": {
                "app.kubernetes.io/name": "wormhole", "app.kubernetes.io/component": component, "wormhole.dev/account": account,
            } },
            "spec": { "containers": [] },
            "status": {
                "phase": "Running",
                "containerStatuses": [{ "name": "x", "image": "x", "imageID": "x", "ready": true, "restartCount": 2 }],
                "conditions": [
                    { "type": "Ready", "status": "False" },
                    { "type": CONDITION, "status": "False", "reason": "ChallengeWaiting", "message": "one-time code" },
                ],
            },
        })
    };
    let mut server_pod = pod("server-x", "server", None);
    server_pod["metadata"]["labels"].as_object_mut().unwrap().remove("wormhole.dev/account");
    server.put("/api/v1/namespaces/test/pods/server-x", server_pod);
    server.put("/api/v1/namespaces/test/pods/bridge-b-0", pod("bridge-b-0", "bridge", Some("b")));
    server.put("/api/v1/namespaces/test/pods/bridge-a-0", pod("bridge-a-0", "bridge", Some("a")));

    let found = pods::list(&server.cluster()).await.unwrap();
    assert_eq!(
        found.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>(),
        ["bridge-a-0", "bridge-b-0", "server-x"]
    );
    let one = pods::bridges(&found, Some("b"));
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].session, Some(("ChallengeWaiting".to_owned(), "one-time code".to_owned())));
    assert_eq!((one[0].restarts, one[0].ready, one[0].is_logged_in()), (2, false, false));
    assert_eq!(pods::bridges(&found, None).len(), 2);
}

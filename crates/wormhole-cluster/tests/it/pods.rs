use serde_json::json;
use wormhole_cluster::{news::CONDITION, pods};

use crate::apiserver::{ApiServer, POD_NAME, PODS, pods_of_the_chart};

#[tokio::test]
async fn the_charts_pods_are_shown_with_their_sessions_and_nobody_elses() {
    let server = ApiServer::start().await;
    let mut pods = pods_of_the_chart();
    // Another account of the same release, and somebody else's pod.
    let mut second = pods.iter().find(|pod| pod["metadata"]["name"] == POD_NAME).unwrap().clone();
    second["metadata"]["name"] = json!("wormhole-bridge-other-0");
    second["metadata"]["labels"]["wormhole.dev/account"] = json!("other");
    let mut foreign = second.clone();
    foreign["metadata"]["name"] = json!("nginx");
    foreign["metadata"]["labels"] = json!({ "app.kubernetes.io/name": "nginx" });
    pods.extend([second, foreign]);
    for pod in &pods {
        server.create(PODS, pod).await;
    }
    let status = json!({ "status": {
        "phase": "Running",
        "containerStatuses": [{ "name": "bridge", "image": "x", "imageID": "x", "ready": true, "restartCount": 2 }],
        "conditions": [
            { "type": "Ready", "status": "False" },
            { "type": CONDITION, "status": "False", "reason": "ChallengeWaiting", "message": "one-time code" },
        ],
    } });
    server.merge(&format!("{PODS}/wormhole-bridge-other-0/status"), &status).await;

    let found = pods::list(&server.operator()).await.unwrap();
    let shown: Vec<_> = found.iter().map(|pod| (pod.name.as_str(), pod.component.as_str())).collect();
    let bridges = [(POD_NAME, "bridge"), ("wormhole-bridge-other-0", "bridge")];
    assert_eq!(shown, [bridges[0], bridges[1], ("wormhole-oai-0", "oai"), ("wormhole-server-0", "server")]);
    assert_eq!(pods::bridges(&found, None).len(), 2);
    let [one] = pods::bridges(&found, Some("other"))[..] else { unreachable!("{found:?}") };
    assert_eq!(one.session, Some(("ChallengeWaiting".to_owned(), "one-time code".to_owned())));
    assert_eq!((one.restarts, one.ready, one.is_logged_in()), (2, false, false));
    assert_eq!(one.phase, "Running");
}

#[tokio::test]
async fn who_may_not_list_pods_is_told_so() {
    let server = ApiServer::start().await;
    let error = pods::list(&server.cluster()).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), ("cannot list the pods", Some(403)));
}

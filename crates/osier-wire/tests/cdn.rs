//! Documents of the CDN API, field by field as the SDK's models name them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use osier_cdn::{
    CdnFault, CdnOutcome, ConfigMade, Quota, SetFunctions, Task, TaskKind, TaskPage, TaskState,
    Usage,
};
use osier_types::Timestamp;
use osier_wire::rpc::{Format, RpcContext, encode_cdn, encode_cdn_fault};
use serde_json::{Value, json};

const CONTEXT: RpcContext<'static> = RpcContext {
    request_id: "4E5C0A3B-67B8-4B5A-9DA4-2229D0123456",
    host: "cdn.aliyuncs.com",
    format: Format::Json,
    now: Timestamp::from_seconds(1_795_316_645),
};

fn told(action: &str, outcome: &CdnOutcome) -> Value {
    let encoded = encode_cdn(&CONTEXT, action, outcome);
    assert_eq!(encoded.head.status, 200);
    assert_eq!(encoded.head.headers["x-acs-request-id"], CONTEXT.request_id);
    let mut document: Value = serde_json::from_slice(&encoded.body).unwrap();
    let id = document.as_object_mut().unwrap().remove("RequestId");
    assert_eq!(id.unwrap(), CONTEXT.request_id);
    document
}

fn task() -> Task {
    Task {
        id: 95_248_880,
        owner: "1".to_owned(),
        kind: TaskKind::File,
        path: "http://cdn.example.com/a.png".to_owned(),
        host: "cdn.example.com".to_owned(),
        created: Timestamp::from_seconds(1_795_316_645),
        state: TaskState::Complete,
        description: String::new(),
    }
}

#[test]
fn lists_are_nested_as_the_models_nest_them() {
    let made = CdnOutcome::ConfigsMade(vec![ConfigMade {
        config_id: 5_068_995,
        domain_name: "cdn.example.com".to_owned(),
        function_name: "gzip",
    }]);
    assert_eq!(
        told("BatchSetCdnDomainConfig", &made),
        json!({"DomainConfigList": {"DomainConfigModel": [
            {"ConfigId": 5_068_995, "DomainName": "cdn.example.com", "FunctionName": "gzip"}]}})
    );
    let configs = CdnOutcome::Configs(vec![SetFunctions {
        config_id: 5_068_995,
        function_name: "gzip".to_owned(),
        arguments: vec![("enable".to_owned(), "on".to_owned())],
    }]);
    assert_eq!(
        told("DescribeCdnDomainConfigs", &configs),
        json!({"DomainConfigs": {"DomainConfig": [{
            "ConfigId": "5068995", "FunctionName": "gzip", "ParentId": "", "Status": "success",
            "FunctionArgs": {"FunctionArg": [{"ArgName": "enable", "ArgValue": "on"}]}}]}})
    );
    let of_task = json!({
        "TaskId": "95248880", "ObjectPath": "http://cdn.example.com/a.png", "ObjectType": "file",
        "Status": "Complete", "Process": "100%", "Description": "",
        "CreationTime": "2026-11-22T03:04:05Z"});
    let page = CdnOutcome::Tasks(TaskPage {
        tasks: vec![task()],
        page_number: 1,
        page_size: 20,
        total_count: 1,
    });
    assert_eq!(
        told("DescribeRefreshTasks", &page),
        json!({"Tasks": {"CDNTask": [of_task]}, "PageNumber": 1, "PageSize": 20, "TotalCount": 1})
    );
    let by_id = CdnOutcome::TasksById(vec![task()]);
    assert_eq!(
        told("DescribeRefreshTaskById", &by_id),
        json!({"Tasks": [of_task], "TotalCount": 1})
    );
    let refreshing = CdnOutcome::Refreshing(vec![1, 2]);
    assert_eq!(
        told("RefreshObjectCaches", &refreshing),
        json!({"RefreshTaskId": "1,2"})
    );
}

#[test]
fn shares_of_a_day_are_texts() {
    let quota = Quota {
        usage: Usage {
            urls: 3,
            ..Usage::default()
        },
        domains: 1,
    };
    let document = told("DescribeRefreshQuota", &CdnOutcome::RefreshQuota(quota));
    assert_eq!(document["UrlQuota"], "10000");
    assert_eq!(document["UrlRemain"], "9997");
    assert_eq!(document["DirRemain"], document["DirQuota"]);
}

#[test]
fn xml_has_no_empty_names() {
    let context = RpcContext {
        format: Format::Xml,
        ..CONTEXT
    };
    let by_id = CdnOutcome::TasksById(vec![task()]);
    let encoded = encode_cdn(&context, "DescribeRefreshTaskById", &by_id);
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert!(
        text.contains("<Tasks><Task><TaskId>95248880</TaskId>"),
        "{text}"
    );
    let encoded = encode_cdn_fault(&context, &CdnFault::no_domain("a<b"));
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert_eq!(encoded.head.status, 404);
    assert!(text.contains("<Code>InvalidDomain.NotFound</Code>") && text.contains("a&lt;b"));
}

//! Every operation of the OSS API.
//!
//! The order is the precedence: of a request's sub-resources the one whose
//! first row stands higher counts, and of the rows that fit the first.

use osier_types::ConfigKind;
use osier_types::limits::{
    COMPLETE_BODY_BYTES_MAX, DELETE_BODY_BYTES_MAX, DOCUMENT_BYTES_MAX, PROCESS_BODY_BYTES_MAX,
    REFERER_BODY_BYTES_MAX,
};

use crate::oss::request::decode::{access, bucket, list, multipart, object, process, protection};
use crate::request::bucket as buckets;
use crate::request::input::preflight;
use crate::request::list as lists;
use crate::request::policy;
use crate::request::protection as protect;
use crate::request::route::Decoder::{DeleteConfig, Form, GetConfig, PutConfig, With};
use crate::request::route::Scope::{Bucket, Object, Service};
use crate::request::route::{BodyUse, RouteSpec, document, row};

const STORED: &str = "kept and returned; changes nothing here";
const UNSET: &str = "answers as if never set: the document can't be put";

/// Every operation of the OSS API, in order of precedence.
pub static ROUTES: &[RouteSpec] = &[
    // Service.
    row("DescribeRegions", "GET", Service, "regions").decoder(With(list::regions)),
    row("GetPublicAccessBlock", "GET", Service, "publicAccessBlock")
        .decoder(With(access::public_access_block)),
    row("PutPublicAccessBlock", "PUT", Service, "publicAccessBlock")
        .decoder(With(access::put_public_access_block))
        .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "DeletePublicAccessBlock",
        "DELETE",
        Service,
        "publicAccessBlock",
    )
    .decoder(With(access::delete_public_access_block)),
    row("ListAccessPoints", "GET", Service, "accessPoint").decoder(With(access::points)),
    row(
        "ListAccessPointsForObjectProcess",
        "GET",
        Service,
        "accessPointForObjectProcess",
    ),
    row(
        "ListUserDataRedundancyTransition",
        "GET",
        Service,
        "redundancyTransition",
    ),
    row("ListCloudBoxes", "GET", Service, "cloudboxes"),
    row("DoDataPipelineAction", "POST", Service, "dataPipeline"),
    row(
        "WriteGetObjectResponse",
        "POST",
        Service,
        "x-oss-write-get-object-response",
    ),
    row(
        "ListResourcePoolBuckets",
        "GET",
        Service,
        "resourcePoolBuckets",
    ),
    row("GetResourcePoolInfo", "GET", Service, "resourcePoolInfo"),
    row("ListResourcePools", "GET", Service, "resourcePool"),
    row("GetUserQosInfo", "GET", Service, "qosInfo"),
    row("ListBuckets", "GET", Service, "")
        .decoder(With(list::buckets))
        .partial("`x-oss-resource-group-id` is ignored; of `tagging` only one tag"),
    // Buckets: basics.
    row("DeleteMultipleObjects", "POST", Bucket, "delete")
        .decoder(With(list::delete_objects))
        .guarded()
        .body(document(DELETE_BODY_BYTES_MAX)),
    row("ListObjectVersions", "GET", Bucket, "versions").decoder(With(lists::versions)),
    row("ListMultipartUploads", "GET", Bucket, "uploads").decoder(With(lists::uploads)),
    row("GetBucketAcl", "GET", Bucket, "acl").decoder(With(buckets::acl)),
    row("PutBucketAcl", "PUT", Bucket, "acl").decoder(With(bucket::put_acl)),
    row("GetBucketInfo", "GET", Bucket, "bucketInfo").decoder(With(bucket::info)),
    row("GetBucketStat", "GET", Bucket, "stat").decoder(With(bucket::stat)),
    row("GetBucketLocation", "GET", Bucket, "location").decoder(With(buckets::location)),
    row("GetBucketVersioning", "GET", Bucket, "versioning").decoder(With(buckets::versioning)),
    row("PutBucketVersioning", "PUT", Bucket, "versioning")
        .decoder(With(buckets::put_versioning))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("GetBucketTags", "GET", Bucket, "tagging").decoder(With(buckets::tags)),
    row("PutBucketTags", "PUT", Bucket, "tagging")
        .decoder(With(buckets::put_tags))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteBucketTags", "DELETE", Bucket, "tagging").decoder(With(buckets::delete_tags)),
    row("GetBucketCors", "GET", Bucket, "cors").decoder(With(buckets::cors)),
    row("PutBucketCors", "PUT", Bucket, "cors")
        .decoder(With(buckets::put_cors))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteBucketCors", "DELETE", Bucket, "cors").decoder(With(buckets::delete_cors)),
    // Buckets: who may come. A callback policy shares its sub-resource with the bucket's policy.
    row("GetBucketCallbackPolicy", "GET", Bucket, "policy").also(&["comp=callback"]),
    row("PutBucketCallbackPolicy", "PUT", Bucket, "policy").also(&["comp=callback"]),
    row("DeleteBucketCallbackPolicy", "DELETE", Bucket, "policy").also(&["comp=callback"]),
    row("GetBucketPolicy", "GET", Bucket, "policy").decoder(With(policy::get)),
    row("PutBucketPolicy", "PUT", Bucket, "policy")
        .decoder(With(policy::put))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteBucketPolicy", "DELETE", Bucket, "policy").decoder(With(policy::delete)),
    row("GetBucketPolicyStatus", "GET", Bucket, "policyStatus").decoder(With(policy::status)),
    row(
        "GetAccessPointPublicAccessBlock",
        "GET",
        Bucket,
        "publicAccessBlock",
    )
    .also(&["x-oss-access-point-name"])
    .decoder(With(access::public_access_block)),
    row(
        "PutAccessPointPublicAccessBlock",
        "PUT",
        Bucket,
        "publicAccessBlock",
    )
    .also(&["x-oss-access-point-name"])
    .decoder(With(access::put_public_access_block))
    .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "DeleteAccessPointPublicAccessBlock",
        "DELETE",
        Bucket,
        "publicAccessBlock",
    )
    .also(&["x-oss-access-point-name"])
    .decoder(With(access::delete_public_access_block)),
    row(
        "GetBucketPublicAccessBlock",
        "GET",
        Bucket,
        "publicAccessBlock",
    )
    .decoder(With(access::public_access_block)),
    row(
        "PutBucketPublicAccessBlock",
        "PUT",
        Bucket,
        "publicAccessBlock",
    )
    .decoder(With(access::put_public_access_block))
    .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "DeleteBucketPublicAccessBlock",
        "DELETE",
        Bucket,
        "publicAccessBlock",
    )
    .decoder(With(access::delete_public_access_block)),
    row("GetBucketReferer", "GET", Bucket, "referer").decoder(With(access::referer)),
    row("PutBucketReferer", "PUT", Bucket, "referer")
        .decoder(With(access::put_referer))
        .body(document(REFERER_BODY_BYTES_MAX)),
    row("CreateAccessPoint", "PUT", Bucket, "accessPoint")
        .decoder(With(access::create_point))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteAccessPoint", "DELETE", Bucket, "accessPoint").decoder(With(access::delete_point)),
    row("GetAccessPoint", "GET", Bucket, "accessPoint")
        .header("x-oss-access-point-name")
        .decoder(With(access::point)),
    row("ListAccessPoints", "GET", Bucket, "accessPoint").decoder(With(access::points)),
    row("GetAccessPointPolicy", "GET", Bucket, "accessPointPolicy")
        .decoder(With(access::point_policy)),
    row("PutAccessPointPolicy", "PUT", Bucket, "accessPointPolicy")
        .decoder(With(access::put_point_policy))
        .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "DeleteAccessPointPolicy",
        "DELETE",
        Bucket,
        "accessPointPolicy",
    )
    .decoder(With(access::delete_point_policy)),
    // Buckets: configuration documents that are kept and change nothing here.
    row("GetBucketRequestPayment", "GET", Bucket, "requestPayment")
        .decoder(GetConfig(ConfigKind::RequestPayment))
        .partial(STORED),
    row("PutBucketRequestPayment", "PUT", Bucket, "requestPayment")
        .decoder(PutConfig(
            ConfigKind::RequestPayment,
            "RequestPaymentConfiguration",
        ))
        .partial(STORED)
        .body(document(DOCUMENT_BYTES_MAX)),
    row("GetBucketResourceGroup", "GET", Bucket, "resourceGroup")
        .decoder(GetConfig(ConfigKind::ResourceGroup))
        .partial(STORED),
    row("PutBucketResourceGroup", "PUT", Bucket, "resourceGroup")
        .decoder(PutConfig(
            ConfigKind::ResourceGroup,
            "BucketResourceGroupConfiguration",
        ))
        .partial(STORED)
        .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "GetBucketTransferAcceleration",
        "GET",
        Bucket,
        "transferAcceleration",
    )
    .decoder(GetConfig(ConfigKind::TransferAcceleration))
    .partial(STORED),
    row(
        "PutBucketTransferAcceleration",
        "PUT",
        Bucket,
        "transferAcceleration",
    )
    .decoder(PutConfig(
        ConfigKind::TransferAcceleration,
        "TransferAccelerationConfiguration",
    ))
    .partial(STORED)
    .body(document(DOCUMENT_BYTES_MAX)),
    row(
        "GetBucketArchiveDirectRead",
        "GET",
        Bucket,
        "bucketArchiveDirectRead",
    )
    .decoder(GetConfig(ConfigKind::ArchiveDirectRead))
    .partial(STORED),
    row(
        "PutBucketArchiveDirectRead",
        "PUT",
        Bucket,
        "bucketArchiveDirectRead",
    )
    .decoder(PutConfig(
        ConfigKind::ArchiveDirectRead,
        "ArchiveDirectReadConfiguration",
    ))
    .partial(STORED)
    .body(document(DOCUMENT_BYTES_MAX)),
    // Buckets: configuration documents that are refused. Reading answers as if never set.
    row("GetBucketLifecycle", "GET", Bucket, "lifecycle")
        .decoder(GetConfig(ConfigKind::Lifecycle))
        .partial(UNSET),
    row("PutBucketLifecycle", "PUT", Bucket, "lifecycle"),
    row("DeleteBucketLifecycle", "DELETE", Bucket, "lifecycle")
        .decoder(DeleteConfig(ConfigKind::Lifecycle))
        .partial(UNSET),
    row("GetBucketWebsite", "GET", Bucket, "website")
        .decoder(GetConfig(ConfigKind::Website))
        .partial(UNSET),
    row("PutBucketWebsite", "PUT", Bucket, "website"),
    row("DeleteBucketWebsite", "DELETE", Bucket, "website")
        .decoder(DeleteConfig(ConfigKind::Website))
        .partial(UNSET),
    row("GetBucketLogging", "GET", Bucket, "logging")
        .decoder(GetConfig(ConfigKind::Logging))
        .partial(UNSET),
    row("PutBucketLogging", "PUT", Bucket, "logging"),
    row("DeleteBucketLogging", "DELETE", Bucket, "logging")
        .decoder(DeleteConfig(ConfigKind::Logging))
        .partial(UNSET),
    row(
        "GetUserDefinedLogFieldsConfig",
        "GET",
        Bucket,
        "userDefinedLogFieldsConfig",
    )
    .decoder(GetConfig(ConfigKind::UserDefinedLogFields))
    .partial(UNSET),
    row(
        "PutUserDefinedLogFieldsConfig",
        "PUT",
        Bucket,
        "userDefinedLogFieldsConfig",
    ),
    row(
        "DeleteUserDefinedLogFieldsConfig",
        "DELETE",
        Bucket,
        "userDefinedLogFieldsConfig",
    )
    .decoder(DeleteConfig(ConfigKind::UserDefinedLogFields))
    .partial(UNSET),
    row("GetBucketEncryption", "GET", Bucket, "encryption").decoder(With(protect::encryption)),
    row("PutBucketEncryption", "PUT", Bucket, "encryption")
        .decoder(With(protection::put_encryption))
        .partial("without SM4")
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteBucketEncryption", "DELETE", Bucket, "encryption")
        .decoder(With(protect::delete_encryption)),
    row("GetBucketReplication", "GET", Bucket, "replication")
        .decoder(GetConfig(ConfigKind::Replication))
        .partial(UNSET),
    row("PutBucketReplication", "POST", Bucket, "replication").also(&["comp=add"]),
    row("DeleteBucketReplication", "POST", Bucket, "replication").also(&["comp=delete"]),
    row(
        "GetBucketReplicationLocation",
        "GET",
        Bucket,
        "replicationLocation",
    ),
    row(
        "GetBucketReplicationProgress",
        "GET",
        Bucket,
        "replicationProgress",
    ),
    row("PutBucketRtc", "PUT", Bucket, "rtc"),
    row("GetBucketInventory", "GET", Bucket, "inventory")
        .also(&["inventoryId"])
        .decoder(GetConfig(ConfigKind::Inventory))
        .partial(UNSET),
    row("ListBucketInventory", "GET", Bucket, "inventory")
        .decoder(GetConfig(ConfigKind::Inventory))
        .partial(UNSET),
    row("PutBucketInventory", "PUT", Bucket, "inventory"),
    row("DeleteBucketInventory", "DELETE", Bucket, "inventory")
        .decoder(DeleteConfig(ConfigKind::Inventory))
        .partial(UNSET),
    row("GetCnameToken", "GET", Bucket, "cname").also(&["comp=token"]),
    row("ListCname", "GET", Bucket, "cname")
        .decoder(GetConfig(ConfigKind::Cname))
        .partial(UNSET),
    row("CreateCnameToken", "POST", Bucket, "cname").also(&["comp=token"]),
    row("PutCname", "POST", Bucket, "cname").also(&["comp=add"]),
    row("DeleteCname", "POST", Bucket, "cname").also(&["comp=delete"]),
    row("GetBucketHttpsConfig", "GET", Bucket, "httpsConfig")
        .decoder(GetConfig(ConfigKind::HttpsConfig))
        .partial(UNSET),
    row("PutBucketHttpsConfig", "PUT", Bucket, "httpsConfig"),
    row("GetStyle", "GET", Bucket, "style")
        .also(&["styleName"])
        .decoder(With(process::style)),
    row("ListStyle", "GET", Bucket, "style").decoder(With(process::styles)),
    row("PutStyle", "PUT", Bucket, "style")
        .decoder(With(process::put_style))
        .partial("styles of documents and videos are refused")
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteStyle", "DELETE", Bucket, "style").decoder(With(process::delete_style)),
    row(
        "GetBucketProcessConfiguration",
        "GET",
        Bucket,
        "processConfiguration",
    )
    .decoder(With(process::configuration)),
    row(
        "PutBucketProcessConfiguration",
        "PUT",
        Bucket,
        "processConfiguration",
    )
    .decoder(With(process::put_configuration))
    .partial("`CompliedHost` and `OssDomainSupportAtProcess` are kept and change nothing")
    .body(document(DOCUMENT_BYTES_MAX)),
    row("GetBucketAccessMonitor", "GET", Bucket, "accessmonitor")
        .decoder(GetConfig(ConfigKind::AccessMonitor))
        .partial(UNSET),
    row("PutBucketAccessMonitor", "PUT", Bucket, "accessmonitor"),
    row(
        "GetBucketObjectWormConfiguration",
        "GET",
        Bucket,
        "objectWorm",
    )
    .decoder(With(protect::object_lock)),
    row(
        "PutBucketObjectWormConfiguration",
        "PUT",
        Bucket,
        "objectWorm",
    )
    .decoder(With(protection::put_object_worm))
    .body(document(DOCUMENT_BYTES_MAX)),
    row("GetBucketOverwriteConfig", "GET", Bucket, "overwriteConfig")
        .decoder(GetConfig(ConfigKind::OverwriteConfig))
        .partial(UNSET),
    row("PutBucketOverwriteConfig", "PUT", Bucket, "overwriteConfig"),
    row(
        "DeleteBucketOverwriteConfig",
        "DELETE",
        Bucket,
        "overwriteConfig",
    )
    .decoder(DeleteConfig(ConfigKind::OverwriteConfig))
    .partial(UNSET),
    row("GetBucketStorageQuota", "GET", Bucket, "quota")
        .decoder(GetConfig(ConfigKind::Quota))
        .partial(UNSET),
    row("PutBucketStorageQuota", "PUT", Bucket, "quota"),
    row("DeleteBucketStorageQuota", "DELETE", Bucket, "quota")
        .decoder(DeleteConfig(ConfigKind::Quota))
        .partial(UNSET),
    row("GetBucketWorm", "GET", Bucket, "worm").decoder(With(protection::worm)),
    row("InitiateBucketWorm", "POST", Bucket, "worm")
        .decoder(With(protection::initiate_worm))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("AbortBucketWorm", "DELETE", Bucket, "worm").decoder(With(protection::abort_worm)),
    row("ExtendBucketWorm", "POST", Bucket, "wormExtend")
        .decoder(With(protection::extend_worm))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("CompleteBucketWorm", "POST", Bucket, "wormId").decoder(With(protection::complete_worm)),
    // Buckets: all else.
    row("ListLiveChannel", "GET", Bucket, "live")
        .decoder(With(list::live_channels))
        .partial("answers that there are none"),
    row(
        "CreateAccessPointForObjectProcess",
        "PUT",
        Bucket,
        "accessPointForObjectProcess",
    ),
    row(
        "GetAccessPointForObjectProcess",
        "GET",
        Bucket,
        "accessPointForObjectProcess",
    ),
    row(
        "DeleteAccessPointForObjectProcess",
        "DELETE",
        Bucket,
        "accessPointForObjectProcess",
    ),
    row(
        "GetAccessPointConfigForObjectProcess",
        "GET",
        Bucket,
        "accessPointConfigForObjectProcess",
    ),
    row(
        "PutAccessPointConfigForObjectProcess",
        "PUT",
        Bucket,
        "accessPointConfigForObjectProcess",
    ),
    row(
        "GetAccessPointPolicyForObjectProcess",
        "GET",
        Bucket,
        "accessPointPolicyForObjectProcess",
    ),
    row(
        "PutAccessPointPolicyForObjectProcess",
        "PUT",
        Bucket,
        "accessPointPolicyForObjectProcess",
    ),
    row(
        "DeleteAccessPointPolicyForObjectProcess",
        "DELETE",
        Bucket,
        "accessPointPolicyForObjectProcess",
    ),
    row("OpenMetaQuery", "POST", Bucket, "metaQuery").also(&["comp=add"]),
    row("CloseMetaQuery", "POST", Bucket, "metaQuery").also(&["comp=delete"]),
    row("DoMetaQuery", "POST", Bucket, "metaQuery").also(&["comp=query"]),
    row("DoMetaQueryAction", "POST", Bucket, "metaQuery").also(&["action"]),
    row("GetMetaQueryStatus", "GET", Bucket, "metaQuery"),
    row("DoMetaQueryAction", "POST", Bucket, "MetaQuery"),
    row(
        "CreateBucketDataRedundancyTransition",
        "POST",
        Bucket,
        "redundancyTransition",
    ),
    row(
        "GetBucketDataRedundancyTransition",
        "GET",
        Bucket,
        "redundancyTransition",
    )
    .also(&["x-oss-redundancy-transition-taskid"]),
    row(
        "ListBucketDataRedundancyTransition",
        "GET",
        Bucket,
        "redundancyTransition",
    ),
    row(
        "DeleteBucketDataRedundancyTransition",
        "DELETE",
        Bucket,
        "redundancyTransition",
    ),
    row(
        "CreateBucketMetadataConfiguration",
        "POST",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "GetBucketMetadataConfiguration",
        "GET",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "DeleteBucketMetadataConfiguration",
        "DELETE",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "UpdateBucketMetadataInventoryTableConfiguration",
        "PUT",
        Bucket,
        "metadataInventoryTable",
    ),
    row(
        "UpdateBucketMetadataJournalTableConfiguration",
        "PUT",
        Bucket,
        "metadataJournalTable",
    ),
    row("PutAsyncFetchTask", "POST", Bucket, "asyncFetch"),
    row("GetAsyncFetchTask", "GET", Bucket, "asyncFetch"),
    row("GetBucketQosInfo", "GET", Bucket, "qosInfo"),
    row("PutBucketQosInfo", "PUT", Bucket, "qosInfo"),
    row("DeleteBucketQosInfo", "DELETE", Bucket, "qosInfo"),
    row(
        "GetBucketRequesterQosInfo",
        "GET",
        Bucket,
        "requesterQosInfo",
    ),
    row(
        "PutBucketRequesterQosInfo",
        "PUT",
        Bucket,
        "requesterQosInfo",
    ),
    row(
        "DeleteBucketRequesterQosInfo",
        "DELETE",
        Bucket,
        "requesterQosInfo",
    ),
    row("GetBucketUserQos", "GET", Bucket, "qos"),
    row("PutBucketUserQos", "PUT", Bucket, "qos"),
    row("DeleteBucketUserQos", "DELETE", Bucket, "qos"),
    row("AgenticBucket", "GET", Bucket, "agenticBucket"),
    row("AgenticBucket", "PUT", Bucket, "agenticBucket"),
    row("OptionsObject", "OPTIONS", Bucket, "").decoder(With(preflight)),
    row("ListObjectsV2", "GET", Bucket, "")
        .also(&["list-type=2"])
        .decoder(With(lists::objects_v2)),
    row("ListObjects", "GET", Bucket, "").decoder(With(lists::objects)),
    row("HeadBucket", "HEAD", Bucket, "").decoder(With(buckets::head)),
    row("PutBucket", "PUT", Bucket, "")
        .decoder(With(bucket::put))
        .partial("`x-oss-resource-group-id` is ignored")
        .body(document(DOCUMENT_BYTES_MAX))
        .guarded(),
    row("DeleteBucket", "DELETE", Bucket, "").decoder(With(buckets::delete)),
    row("PostObject", "POST", Bucket, "")
        .decoder(Form)
        .partial("without `callback` and SM4")
        .body(BodyUse::Form)
        .guarded(),
    // Objects: multipart.
    row("InitiateMultipartUpload", "POST", Object, "uploads")
        .decoder(With(multipart::initiate))
        .partial("without SM4")
        .protecting(),
    row("UploadPartCopy", "PUT", Object, "uploadId")
        .header("x-oss-copy-source")
        .decoder(With(multipart::upload_part_copy))
        .guarded(),
    row("UploadPart", "PUT", Object, "uploadId")
        .decoder(With(multipart::upload_part))
        .body(BodyUse::Stream)
        .guarded(),
    row("CompleteMultipartUpload", "POST", Object, "uploadId")
        .decoder(With(multipart::complete))
        .partial("without `x-oss-callback`")
        .body(document(COMPLETE_BODY_BYTES_MAX))
        .guarded(),
    row("AbortMultipartUpload", "DELETE", Object, "uploadId").decoder(With(lists::abort)),
    row("ListParts", "GET", Object, "uploadId").decoder(With(lists::parts)),
    // Objects: sub-resources.
    row("AppendObject", "POST", Object, "append")
        .decoder(With(object::append))
        .partial("without SM4")
        .body(BodyUse::Stream)
        .protecting(),
    row("SealAppendObject", "POST", Object, "seal").decoder(With(object::seal)),
    row("GetObjectMeta", "HEAD", Object, "objectMeta").decoder(With(object::meta)),
    row("GetObjectAcl", "GET", Object, "acl").decoder(With(object::acl)),
    row("PutObjectAcl", "PUT", Object, "acl").decoder(With(object::put_acl)),
    row("GetObjectTagging", "GET", Object, "tagging").decoder(With(object::tagging)),
    row("PutObjectTagging", "PUT", Object, "tagging")
        .decoder(With(object::put_tagging))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("DeleteObjectTagging", "DELETE", Object, "tagging").decoder(With(object::delete_tagging)),
    row("GetSymlink", "GET", Object, "symlink").decoder(With(object::symlink)),
    row("PutSymlink", "PUT", Object, "symlink")
        .decoder(With(object::put_symlink))
        .guarded(),
    row("RestoreObject", "POST", Object, "restore"),
    row("CleanRestoredObject", "POST", Object, "cleanRestoredObject"),
    row("GetObjectLegalHold", "GET", Object, "legalHold").decoder(With(protect::legal_hold)),
    row("PutObjectLegalHold", "PUT", Object, "legalHold")
        .decoder(With(protect::put_legal_hold))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("GetObjectRetention", "GET", Object, "retention").decoder(With(protect::retention)),
    row("PutObjectRetention", "PUT", Object, "retention")
        .decoder(With(protection::put_retention))
        .body(document(DOCUMENT_BYTES_MAX)),
    row("SelectObject", "POST", Object, "x-oss-process").also(&["x-oss-process=csv/select"]),
    row("CreateSelectObjectMeta", "POST", Object, "x-oss-process")
        .also(&["x-oss-process=csv/meta"]),
    row("SelectObject", "POST", Object, "x-oss-process").also(&["x-oss-process=json/select"]),
    row("CreateSelectObjectMeta", "POST", Object, "x-oss-process")
        .also(&["x-oss-process=json/meta"]),
    row("ProcessObject", "POST", Object, "x-oss-process")
        .decoder(With(process::save))
        .partial("pictures with `sys/saveas`")
        .body(document(PROCESS_BODY_BYTES_MAX))
        .guarded(),
    row("GetObject (x-oss-process)", "GET", Object, "x-oss-process")
        .decoder(With(process::fetch))
        .partial("pictures; not HEIC, videos, documents and what needs a trained model"),
    row(
        "HeadObject (x-oss-process)",
        "HEAD",
        Object,
        "x-oss-process",
    )
    .decoder(With(process::head))
    .partial("as GetObject"),
    row("AsyncProcessObject", "POST", Object, "x-oss-async-process"),
    row(
        "GetObject (x-oss-async-process)",
        "GET",
        Object,
        "x-oss-async-process",
    ),
    row("PutLiveChannelStatus", "PUT", Object, "live").also(&["status"]),
    row("PutLiveChannel", "PUT", Object, "live"),
    row("GetLiveChannelStat", "GET", Object, "live").also(&["comp=stat"]),
    row("GetLiveChannelHistory", "GET", Object, "live").also(&["comp=history"]),
    row("GetLiveChannelInfo", "GET", Object, "live"),
    row("DeleteLiveChannel", "DELETE", Object, "live"),
    row("PostVodPlaylist", "POST", Object, "vod"),
    row("GetVodPlaylist", "GET", Object, "vod"),
    row("Rename", "POST", Object, "x-oss-rename"),
    row("CreateDirectory", "POST", Object, "x-oss-dir"),
    row("DeleteDirectory", "POST", Object, "x-oss-delete-recursive"),
    // Objects: the object itself.
    row("OptionsObject", "OPTIONS", Object, "").decoder(With(preflight)),
    row("GetObject", "GET", Object, "")
        .decoder(With(object::fetch))
        .partial("without gzip on the fly"),
    row("HeadObject", "HEAD", Object, "").decoder(With(object::head)),
    row("CopyObject", "PUT", Object, "")
        .header("x-oss-copy-source")
        .decoder(With(object::copy))
        .partial("without SM4")
        .protecting(),
    row("PutObject", "PUT", Object, "")
        .decoder(With(object::put))
        .partial("without `x-oss-callback` and SM4")
        .body(BodyUse::Stream)
        .protecting(),
    row("DeleteObject", "DELETE", Object, "")
        .decoder(With(object::delete))
        .guarded(),
];

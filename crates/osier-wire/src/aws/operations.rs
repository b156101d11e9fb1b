//! Every operation of AWS's STS and IAM that is here, with its parameters.

use osier_auth::control::AwsService;
use osier_auth::directory::ControlFault;

/// An operation of STS or IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Of which API.
    pub service: AwsService,
    /// Its name.
    pub action: &'static str,
    /// What must be there.
    pub required: &'static [&'static str],
    /// What may be there; of lists and structures the first part of their names.
    pub optional: &'static [&'static str],
    /// Whether its answer has a part of its own beside the request's id.
    pub answers: bool,
}

/// The operation of this name in the API of this version.
///
/// # Errors
/// When there is no such API or it has no such operation.
pub fn operation(version: &str, action: &str) -> Result<&'static Operation, ControlFault> {
    let service =
        AwsService::of_version(version).ok_or_else(|| ControlFault::unknown_version(version))?;
    OPERATIONS
        .iter()
        .find(|operation| operation.service == service && operation.action == action)
        .ok_or_else(|| ControlFault::unknown_action(action))
}

/// `Service Action [required] [optional] -> answer`, where the last says whether there is one.
macro_rules! operations {
    ($($service:ident $action:ident [$($required:ident)*] [$($optional:ident)*] $answers:ident)+) => {
        /// The operations, those of STS first.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            service: AwsService::$service,
            action: stringify!($action),
            required: &[$(stringify!($required)),*],
            optional: &[$(stringify!($optional)),*],
            answers: $answers,
        },)+];
    };
}

operations! {
    Sts AssumeRole [RoleArn RoleSessionName] [DurationSeconds Policy ExternalId SourceIdentity] true
    Sts GetSessionToken [] [DurationSeconds] true
    Sts GetCallerIdentity [] [] true
    Iam CreateUser [UserName] [Path] true
    Iam GetUser [] [UserName] true
    Iam ListUsers [] [PathPrefix Marker MaxItems] true
    Iam UpdateUser [UserName] [NewUserName NewPath] false
    Iam DeleteUser [UserName] [] false
    Iam CreateAccessKey [] [UserName] true
    Iam ListAccessKeys [] [UserName Marker MaxItems] true
    Iam UpdateAccessKey [AccessKeyId Status] [UserName] false
    Iam DeleteAccessKey [AccessKeyId] [UserName] false
    Iam GetAccessKeyLastUsed [AccessKeyId] [] true
    Iam PutUserPolicy [UserName PolicyName PolicyDocument] [] false
    Iam GetUserPolicy [UserName PolicyName] [] true
    Iam ListUserPolicies [UserName] [Marker MaxItems] true
    Iam DeleteUserPolicy [UserName PolicyName] [] false
    Iam AttachUserPolicy [UserName PolicyArn] [] false
    Iam DetachUserPolicy [UserName PolicyArn] [] false
    Iam ListAttachedUserPolicies [UserName] [PathPrefix Marker MaxItems] true
    Iam ListGroupsForUser [UserName] [Marker MaxItems] true
    Iam CreateGroup [GroupName] [Path] true
    Iam GetGroup [GroupName] [Marker MaxItems] true
    Iam ListGroups [] [PathPrefix Marker MaxItems] true
    Iam UpdateGroup [GroupName] [NewGroupName NewPath] false
    Iam DeleteGroup [GroupName] [] false
    Iam AddUserToGroup [GroupName UserName] [] false
    Iam RemoveUserFromGroup [GroupName UserName] [] false
    Iam PutGroupPolicy [GroupName PolicyName PolicyDocument] [] false
    Iam GetGroupPolicy [GroupName PolicyName] [] true
    Iam ListGroupPolicies [GroupName] [Marker MaxItems] true
    Iam DeleteGroupPolicy [GroupName PolicyName] [] false
    Iam AttachGroupPolicy [GroupName PolicyArn] [] false
    Iam DetachGroupPolicy [GroupName PolicyArn] [] false
    Iam ListAttachedGroupPolicies [GroupName] [PathPrefix Marker MaxItems] true
    Iam CreateRole [RoleName AssumeRolePolicyDocument] [Path Description MaxSessionDuration Tags] true
    Iam GetRole [RoleName] [] true
    Iam ListRoles [] [PathPrefix Marker MaxItems] true
    Iam UpdateRole [RoleName] [Description MaxSessionDuration] true
    Iam UpdateRoleDescription [RoleName Description] [] true
    Iam UpdateAssumeRolePolicy [RoleName PolicyDocument] [] false
    Iam DeleteRole [RoleName] [] false
    Iam PutRolePolicy [RoleName PolicyName PolicyDocument] [] false
    Iam GetRolePolicy [RoleName PolicyName] [] true
    Iam ListRolePolicies [RoleName] [Marker MaxItems] true
    Iam DeleteRolePolicy [RoleName PolicyName] [] false
    Iam AttachRolePolicy [RoleName PolicyArn] [] false
    Iam DetachRolePolicy [RoleName PolicyArn] [] false
    Iam ListAttachedRolePolicies [RoleName] [PathPrefix Marker MaxItems] true
    Iam CreatePolicy [PolicyName PolicyDocument] [Path Description Tags] true
    Iam GetPolicy [PolicyArn] [] true
    Iam ListPolicies [] [Scope OnlyAttached PathPrefix PolicyUsageFilter Marker MaxItems] true
    Iam DeletePolicy [PolicyArn] [] false
    Iam CreatePolicyVersion [PolicyArn PolicyDocument] [SetAsDefault] true
    Iam GetPolicyVersion [PolicyArn VersionId] [] true
    Iam ListPolicyVersions [PolicyArn] [Marker MaxItems] true
    Iam SetDefaultPolicyVersion [PolicyArn VersionId] [] false
    Iam DeletePolicyVersion [PolicyArn VersionId] [] false
    Iam ListEntitiesForPolicy [PolicyArn] [PathPrefix PolicyUsageFilter EntityFilter Marker MaxItems] true
}

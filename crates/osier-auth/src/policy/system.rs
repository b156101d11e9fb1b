//! The policies that every account finds ready-made.

/// A policy that nobody can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemPolicy {
    /// Its name in RAM.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub text: &'static str,
}

/// The system policy of this name; names are compared exactly.
pub fn find(name: &str) -> Option<&'static SystemPolicy> {
    ALL.iter().find(|policy| policy.name == name)
}

/// Every system policy, by name.
pub const ALL: &[SystemPolicy] = &[
    SystemPolicy {
        name: "AdministratorAccess",
        description: "Provides full access to all services and resources.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunCDNFullAccess",
        description: "Provides full access to CDN.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"cdn:*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunCDNReadOnlyAccess",
        description: "Provides read-only access to CDN.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["cdn:Describe*","cdn:List*","cdn:Get*"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunOSSFullAccess",
        description: "Provides full access to OSS.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunOSSReadOnlyAccess",
        description: "Provides read-only access to OSS.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:Get*","oss:List*"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunRAMFullAccess",
        description: "Provides full access to RAM.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunSTSAssumeRoleAccess",
        description: "Lets its holder call AssumeRole.",
        text: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#,
    },
];

//! The root key: made once, kept in a file that only its owner can read, or given
//! by the environment. There is no key that everybody knows (S01).

use std::fmt;
use std::path::{Path, PathBuf};

use osier_types::Rng;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::private_file::{self, PrivateFileError};

/// The file in the data directory that keeps the root key.
pub const ROOT_KEY_FILE: &str = "root-key.toml";

/// The file in the data directory that keeps the account's id.
const ACCOUNT_FILE: &str = "account-id";

/// The key that may do everything, and its account.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey {
    /// Names the key; not secret.
    pub access_key_id: String,
    /// Signs.
    pub access_key_secret: String,
    /// The account's id, 16 digits.
    pub account_id: String,
    /// Where the key comes from.
    pub origin: KeyOrigin,
}

/// Where a root key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// Made just now, and written to its file.
    Generated,
    /// Its file.
    File,
    /// The environment.
    Environment,
}

impl fmt::Debug for RootKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RootKey")
            .field("access_key_id", &self.access_key_id)
            .field("account_id", &self.account_id)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The root key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// One of the two variables is missing.
    #[error("`{set}` is set and `{missing}` is not; set both, or neither")]
    HalfSet {
        /// The one that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A value can't be signed with.
    #[error("`{name}` {reason}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// Everybody could guess it.
    #[error("the root key of the environment is easy to guess, and `{listen}` is open to others")]
    Weak {
        /// An address that is not only this machine's.
        listen: String,
    },
    /// The file can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// The variable with the id of the root key.
const ID_VARIABLE: &str = "OSIER_ROOT_ACCESS_KEY_ID";
/// The variable with its secret.
const SECRET_VARIABLE: &str = "OSIER_ROOT_ACCESS_KEY_SECRET";

/// A key given from outside: id and secret.
pub(crate) type GivenKey = Option<(String, String)>;

/// The key of the environment, if there is one. `open_to` is an address that
/// others can reach, if there is one.
///
/// # Errors
/// When it is incomplete, unusable, or easy to guess and open to others.
pub(crate) fn given_key(
    variable: impl Fn(&str) -> Option<String>,
    open_to: Option<&str>,
) -> Result<GivenKey, RootKeyError> {
    let read = |name| variable(name).filter(|value| !value.is_empty());
    let (id, secret) = match (read(ID_VARIABLE), read(SECRET_VARIABLE)) {
        (None, None) => return Ok(None),
        (Some(id), Some(secret)) => (id, secret),
        (id, _) => {
            let names = [ID_VARIABLE, SECRET_VARIABLE];
            let [set, missing] = if id.is_some() {
                names
            } else {
                [names[1], names[0]]
            };
            return Err(RootKeyError::HalfSet { set, missing });
        }
    };
    let unusable = |name, reason| Err(RootKeyError::Unusable { name, reason });
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return unusable(
            ID_VARIABLE,
            "may have letters, digits, `-`, `_` and `.` only",
        );
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return unusable(SECRET_VARIABLE, "may have visible ASCII characters only");
    }
    match open_to {
        Some(listen) if is_weak(&id, &secret) => Err(RootKeyError::Weak {
            listen: listen.to_owned(),
        }),
        _ => Ok(Some((id, secret))),
    }
}

/// Short, made of few letters, or printed in somebody's manual.
fn is_weak(id: &str, secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let mut letters: Vec<u8> = lower.bytes().collect();
    letters.sort_unstable();
    letters.dedup();
    secret.len() < 16
        || letters.len() < 8
        || secret.eq_ignore_ascii_case(id)
        || KNOWN.iter().any(|known| lower.contains(known))
}

/// Defaults of other stores and favourites of manuals; never valid here.
const KNOWN: [&str; 12] = [
    "minioadmin",
    "rustfsadmin",
    "miniostorage",
    "changeme",
    "change-me",
    "password",
    "accesskey",
    "secretkey",
    "access-key",
    "secret-key",
    "wjalrxutnfemi",
    "youraccesskey",
];

/// Where the root key of a data directory is kept.
pub fn key_file(data: &Path) -> PathBuf {
    data.join(ROOT_KEY_FILE)
}

/// The root key of a data directory, if it has one.
///
/// # Errors
/// When its file can't be read or understood.
pub fn read_root_key(data: &Path) -> Result<Option<RootKey>, RootKeyError> {
    let path = key_file(data);
    let Some(text) = private_file::read(&path)? else {
        return Ok(None);
    };
    // The text itself must not get into a message: it is secret.
    let stored: StoredKey = toml::from_str(&text)
        .map_err(|_| PrivateFileError::new(&path, "is not the TOML document that osier wrote"))?;
    if stored.access_key_id.is_empty() || stored.access_key_secret.is_empty() {
        return Err(PrivateFileError::new(&path, "has an empty key").into());
    }
    Ok(Some(RootKey {
        access_key_id: stored.access_key_id,
        access_key_secret: stored.access_key_secret,
        account_id: private_file::read(&data.join(ACCOUNT_FILE))?
            .map(|id| id.trim().to_owned())
            .unwrap_or_default(),
        origin: KeyOrigin::File,
    }))
}

/// The root key: `given`, or that of the data directory, which is made if there
/// is none. Only for whoever has the data directory to itself.
///
/// # Errors
/// When files can't be read, understood or written.
pub(crate) fn root_key(
    data: &Path,
    given: GivenKey,
    rng: &dyn Rng,
) -> Result<RootKey, RootKeyError> {
    let account_id = account_id(data, rng)?;
    if let Some((access_key_id, access_key_secret)) = given {
        return Ok(RootKey {
            access_key_id,
            access_key_secret,
            account_id,
            origin: KeyOrigin::Environment,
        });
    }
    if let Some(key) = read_root_key(data)? {
        return Ok(RootKey { account_id, ..key });
    }
    let key = new_key(account_id, rng);
    write_key(data, &key)?;
    Ok(key)
}

/// A key that nobody can guess; kept nowhere yet.
pub(crate) fn new_key(account_id: String, rng: &dyn Rng) -> RootKey {
    RootKey {
        access_key_id: format!("LTAI5t{}", letters(rng, 18)),
        access_key_secret: letters(rng, 30),
        account_id,
        origin: KeyOrigin::Generated,
    }
}

/// Keeps `key` in its file.
pub(crate) fn write_key(data: &Path, key: &RootKey) -> Result<(), RootKeyError> {
    let text = Zeroizing::new(format!(
        "# The root key of this osier. Whoever has it may do everything.\n\
         access_key_id = \"{}\"\naccess_key_secret = \"{}\"\n",
        key.access_key_id, key.access_key_secret
    ));
    Ok(private_file::write(&key_file(data), &text)?)
}

/// The id of the account that a data directory was made for.
pub(crate) fn account_id(data: &Path, rng: &dyn Rng) -> Result<String, RootKeyError> {
    let path = data.join(ACCOUNT_FILE);
    if let Some(id) = private_file::read(&path)? {
        let id = id.trim();
        let is_id = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit());
        return if is_id {
            Ok(id.to_owned())
        } else {
            let reason = "does not hold the 16 digits of an account";
            Err(PrivateFileError::new(&path, reason).into())
        };
    }
    let digits = rng.next_u64() % 1_000_000_000_000_000;
    let id = format!("1{digits:015}");
    private_file::write(&path, &format!("{id}\n"))?;
    Ok(id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    access_key_id: String,
    access_key_secret: String,
}

/// Letters and digits, each equally likely.
fn letters(rng: &dyn Rng, count: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut byte = [0];
        rng.fill(&mut byte);
        let [byte] = byte;
        // 248 is the largest multiple of 62 in a byte.
        if byte < 248
            && let Some(&letter) = LETTERS.get(usize::from(byte % 62))
        {
            text.push(char::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use osier_types::SeededRng;

    use super::*;

    fn given(id: Option<&str>, secret: Option<&str>, open: bool) -> Result<GivenKey, RootKeyError> {
        let variable = |name: &str| match name {
            ID_VARIABLE => id.map(str::to_owned),
            _ => secret.map(str::to_owned),
        };
        given_key(variable, open.then_some("0.0.0.0:9000"))
    }

    #[test]
    fn s01_a_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = root_key(folder.path(), None, &SeededRng::new(1)).unwrap();
        assert_eq!(first.origin, KeyOrigin::Generated);
        assert_eq!(
            (first.access_key_id.len(), first.access_key_secret.len()),
            (24, 30)
        );
        assert!(first.access_key_id.starts_with("LTAI5t"));
        assert_eq!(first.account_id.len(), 16);
        for name in [ROOT_KEY_FILE, ACCOUNT_FILE] {
            let mode = fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let second = root_key(folder.path(), None, &SeededRng::new(2)).unwrap();
        assert_eq!(
            second,
            RootKey {
                origin: KeyOrigin::File,
                ..first.clone()
            }
        );
        let other = tempfile::tempdir().unwrap();
        let elsewhere = root_key(other.path(), None, &SeededRng::new(3)).unwrap();
        assert_ne!(elsewhere.access_key_secret, first.access_key_secret);
    }

    #[test]
    fn the_environment_comes_first_and_keeps_the_account() {
        let folder = tempfile::tempdir().unwrap();
        let made = root_key(folder.path(), None, &SeededRng::new(1)).unwrap();
        let key = Some(("id".to_owned(), "secret".to_owned()));
        let given = root_key(folder.path(), key, &SeededRng::new(2)).unwrap();
        assert_eq!(given.origin, KeyOrigin::Environment);
        assert_eq!(given.access_key_id, "id");
        assert_eq!(given.account_id, made.account_id);
    }

    #[test]
    fn s01_weak_keys_are_refused_where_others_can_reach_them() {
        let strong = "x7Kp2mQ9vR4tW8zB3nY6";
        assert!(matches!(given(None, None, true), Ok(None)));
        assert!(matches!(given(Some("me"), Some(strong), true), Ok(Some(_))));
        for weak in [
            "minioadmin",
            "short",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abababababababababab",
            "MinioAdmin1234567890",
            "password-password-1",
            "YourAccessKeySecret",
        ] {
            assert!(
                matches!(
                    given(Some("me"), Some(weak), true),
                    Err(RootKeyError::Weak { .. })
                ),
                "{weak}"
            );
            assert!(given(Some("me"), Some(weak), false).is_ok(), "{weak}");
        }
        assert!(given(Some(strong), Some(strong), true).is_err());
    }

    #[test]
    fn half_a_key_is_refused() {
        for (id, secret, text) in [
            (
                Some("a"),
                None,
                "`OSIER_ROOT_ACCESS_KEY_ID` is set and `OSIER_ROOT_ACCESS_KEY_SECRET` is not",
            ),
            (
                Some(""),
                Some("b"),
                "`OSIER_ROOT_ACCESS_KEY_SECRET` is set and `OSIER_ROOT_ACCESS_KEY_ID` is not",
            ),
            (
                Some("a b"),
                Some("c"),
                "`OSIER_ROOT_ACCESS_KEY_ID` may have letters",
            ),
            (
                Some("a"),
                Some("b c"),
                "`OSIER_ROOT_ACCESS_KEY_SECRET` may have visible",
            ),
        ] {
            let error = given(id, secret, false).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
    }

    #[test]
    fn s19_broken_files_are_told_without_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = key_file(folder.path());
        for content in [
            "access_key_secret = \"canary",
            "access_key_id = 1\naccess_key_secret = \"canary\"",
            "canary",
        ] {
            fs::write(&path, content).unwrap();
            let error = read_root_key(folder.path()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"));
            assert!(error.to_string().contains(ROOT_KEY_FILE));
        }
    }

    #[test]
    fn s44_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(
            &target,
            "access_key_id = \"a\"\naccess_key_secret = \"b\"\n",
        )
        .unwrap();
        std::os::unix::fs::symlink(&target, key_file(folder.path())).unwrap();
        assert!(read_root_key(folder.path()).is_err());
        assert!(root_key(folder.path(), None, &SeededRng::new(1)).is_err());
        assert_eq!(
            fs::read_to_string(target).unwrap(),
            "access_key_id = \"a\"\naccess_key_secret = \"b\"\n"
        );
    }

    #[test]
    fn s19_the_secret_is_not_in_debug_output() {
        let folder = tempfile::tempdir().unwrap();
        let key = root_key(folder.path(), None, &SeededRng::new(1)).unwrap();
        assert!(!format!("{key:?}").contains(&key.access_key_secret));
    }
}

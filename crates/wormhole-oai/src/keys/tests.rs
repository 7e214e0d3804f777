use super::*;

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
}

fn name(keys: &Keys, headers: &HeaderMap) -> Option<String> {
    keys.caller(headers).map(|caller| caller.name)
}

#[test]
fn keys_have_names_or_get_them_by_place() {
    let keys = Keys::parse("alice:k1, bare\nbob: k3 \n\n# carol:k4\n").unwrap();
    for (given, expected) in [
        ("k1", Some("alice")),
        ("bare", Some("key-2")),
        ("k3", Some("bob")),
        ("k4", None),
        ("k", None),
        ("", None),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(name(&keys, &headers("authorization", &format!("Bearer {given}"))), expected, "{given}");
        assert_eq!(name(&keys, &headers("x-api-key", given)), expected, "{given}");
        assert_eq!(name(&keys, &headers("api-key", given)), expected, "{given}");
    }
    assert_eq!(name(&keys, &HeaderMap::new()), None);
    assert_eq!(name(&keys, &headers("authorization", "bearer k1")).as_deref(), Some("alice"));
    assert_eq!(name(&keys, &headers("authorization", "Basic k1")), None);
    assert_eq!(format!("{keys:?}"), r#"["alice", "key-2", "bob"]"#);
}

#[test]
fn without_keys_any_token_will_do() {
    let anonymous = Some(Identity::anonymous());
    assert_eq!(Keys::default().caller(&headers("authorization", "Bearer ")), anonymous);
    assert_eq!(Keys::default().caller(&HeaderMap::new()), anonymous);
}

#[test]
fn a_bad_entry_is_named_by_its_place() {
    for (text, what) in [
        ("a:k,b:", "entry 2 has a name"),
        ("a b:k", "entry 1 needs"),
        ("a:1,a:2", "entry 2 has the name"),
        ("a:sha256:12", "entry 1 needs 64 hexadecimal digits"),
        ("a:k rpm=0", "entry 1 needs a number"),
        ("a:k concurrency=x", "entry 1 needs a number"),
        ("a:k accounts=,", "entry 1 needs account names"),
    ] {
        let error = Keys::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("WORMHOLE_API_KEYS: ") && error.contains(what), "{error}");
    }
}

#[test]
fn hashes_limits_and_accounts() {
    let text = format!("a:sha256:{} rpm=60 accounts=x,y\nb:k2 concurrency=2", hex::encode(hash("k1")));
    let keys = Keys::parse(&text).unwrap();
    let caller = |key| keys.caller(&headers("x-api-key", key)).unwrap();
    let (a, b) = (caller("k1"), caller("k2"));
    assert_eq!((a.name.as_str(), &*a.accounts), ("a", ["x".to_owned(), "y".to_owned()].as_slice()));
    assert_eq!(a.allowance, Allowance { per_minute: Some(60), at_once: None });
    assert_eq!(b.allowance, Allowance { per_minute: None, at_once: Some(2) });
    let lines: Vec<_> = list::parse(&text).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(list::parse(&lines.join("\n")), list::parse(&text));
}

#[test]
fn a_new_key_of_an_old_name_has_another_scope() {
    let scope = |text| Keys::parse(text).unwrap().caller(&headers("x-api-key", "k")).unwrap().scope;
    assert_eq!(scope("a:k"), scope("x:y,a:k"));
    assert_ne!(scope("a:k"), scope("b:k"));
    let other = Keys::parse("a:other").unwrap().caller(&headers("x-api-key", "other")).unwrap().scope;
    assert_ne!(scope("a:k"), other);
}

#[test]
fn a_file_without_keys_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "# none yet\n").unwrap();
    let error = Keys::from_file(&file).unwrap_err().to_string();
    assert!(error.starts_with("WORMHOLE_API_KEYS_FILE: ") && error.contains("holds no key"), "{error}");
    std::fs::write(&file, "a:k\n").unwrap();
    assert!(!Keys::from_file(&file).unwrap().is_empty());
}

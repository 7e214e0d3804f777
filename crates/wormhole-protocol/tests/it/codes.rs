//! The words on the wire and the words in metrics and logs are the same words.

use wormhole_protocol::{Failure, FailureCode, PageState, Posted};

#[test]
fn every_code_is_written_as_it_is_named() {
    for code in FailureCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

#[test]
fn every_state_is_written_as_it_is_named() {
    for state in PageState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}

#[test]
fn only_two_states_need_a_person() {
    let waiting: Vec<_> = PageState::ALL.into_iter().filter(|state| state.needs_person()).collect();
    assert_eq!(waiting, [PageState::Challenge, PageState::Blocked]);
}

#[test]
fn what_the_caller_did_wrong_is_not_retryable() {
    for code in
        [FailureCode::Refused, FailureCode::ModelUnknown, FailureCode::TooLarge, FailureCode::Cancelled]
    {
        assert!(!Failure::new(code, Posted::No, "x").retryable, "{code}");
    }
}

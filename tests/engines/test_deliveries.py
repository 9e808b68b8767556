"""What every engine does with records that come in by themselves, and with what is deleted and erased."""

from tests.ingestion.test_deliveries import (
    test_a_deleted_call_stays_deleted_whatever_comes,
    test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out,
    test_any_order_and_repetition_of_versioned_deliveries_ends_in_the_same_calls,
    test_whatever_happens_ends_as_in_the_reference,
)

__all__ = [
    "test_a_deleted_call_stays_deleted_whatever_comes",
    "test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out",
    "test_any_order_and_repetition_of_versioned_deliveries_ends_in_the_same_calls",
    "test_whatever_happens_ends_as_in_the_reference",
]

"""Words of the fix lists that stand for names in the data.

Comes in: nothing. Goes out: how urgent a severity is, and what the fields that rules are about are called, in
the language in force. A field without a word keeps its name in the input contract.
"""

from __future__ import annotations

from pipelines.i18n import t


def urgencies() -> dict[str, str]:
    """Severity -> what it means for the record."""
    return {"error": t("Set aside"), "warn": t("Flagged")}


def field_words() -> dict[str, str]:
    """Input column -> its word."""
    amount, customer, staff = t("Amount incl. tax"), t("Customer name"), t("Employee")
    return {
        "customer_name": customer, "contact_name": t("Contact person"), "mobile": t("Mobile number"),
        "phone": t("Phone number"), "customer_phone": t("Phone number"), "referred_phone": t("Phone number"),
        "email": t("E-mail address"), "credit_code": t("Credit code"), "region": t("Region"),
        "owner_name": t("Owner"), "staff_name": staff, "staff_source_id": staff,
        "customer_source_id": t("Customer number"), "order_source_id": t("Order number"),
        "order_no": t("Order number"), "amount_gross": amount, "received_amount": amount,
        "amount_net": t("Amount without tax"), "product_name": t("Product"), "status": t("Status"),
        "created_at": t("Entered at"), "updated_at": t("Last changed at"), "ordered_at": t("Order date"),
        "paid_at": t("Payment date"), "delivered_on": t("Delivery date"), "occurred_at": t("Contact date"),
        "quoted_at": t("Quote date"), "signed_on": t("Signing date"), "starts_on": t("Start date"),
        "ends_on": t("End date"), "due_on": t("Due date"), "hired_on": t("Hiring date"),
        "left_on": t("Leaving date"), "source_id": t("Record"),
    }  # fmt: skip

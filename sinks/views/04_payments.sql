-- Money in and out of players' accounts per day; exact, per currency, by UTC day (see 03_casino.sql).
--
-- What counts, whatever the case of the words: type credit (or deposit) is a deposit, debit (or
-- withdrawal) a withdrawal; status approved counts, rollback takes back, any other moves no money.
-- The first occurrence of a payment counts: if that said Requested, a later Approved under the same
-- id is a conflict, kept in fasttrack.conflicts, until an operator widens the idempotency key.

-- step: deposits_withdrawals_daily
CREATE OR REPLACE VIEW fasttrack.deposits_withdrawals_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp',
    currency LowCardinality(String) COMMENT 'Currency of all amounts of the row',
    gross_deposits Decimal(76, 18) COMMENT 'Approved deposits',
    rollback_deposits Decimal(76, 18) COMMENT 'Deposits rolled back',
    deposits Decimal(76, 18) COMMENT 'Deposits that stand; equals gross_deposits - rollback_deposits',
    gross_withdrawals Decimal(76, 18) COMMENT 'Approved withdrawals',
    rollback_withdrawals Decimal(76, 18) COMMENT 'Withdrawals rolled back',
    withdrawals Decimal(76, 18) COMMENT 'Withdrawals that stand; equals gross_withdrawals - rollback_withdrawals',
    net Decimal(76, 18) COMMENT 'Money in less money out; equals deposits - withdrawals',
    deposit_count UInt64 COMMENT 'Approved deposits',
    withdrawal_count UInt64 COMMENT 'Approved withdrawals',
    rollback_count UInt64 COMMENT 'Deposits and withdrawals rolled back',
    depositors UInt64 COMMENT 'Players with an approved deposit',
    withdrawers UInt64 COMMENT 'Players with an approved withdrawal',
    payments UInt64 COMMENT 'All payments behind the row',
    uncounted UInt64 COMMENT 'Payments of another status or type, in no amount of the row; equals payments - deposit_count - withdrawal_count - rollback_count'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    lower(type) IN ('credit', 'deposit') AS is_deposit,
    lower(type) IN ('debit', 'withdrawal') AS is_withdrawal,
    lower(status) = 'approved' AS is_approved,
    lower(status) = 'rollback' AS is_rollback
SELECT
    tenant,
    toDate32(timestamp) AS day,
    currency,
    sumIf(amount, is_deposit AND is_approved) AS gross_deposits,
    sumIf(amount, is_deposit AND is_rollback) AS rollback_deposits,
    gross_deposits - rollback_deposits AS deposits,
    sumIf(amount, is_withdrawal AND is_approved) AS gross_withdrawals,
    sumIf(amount, is_withdrawal AND is_rollback) AS rollback_withdrawals,
    gross_withdrawals - rollback_withdrawals AS withdrawals,
    deposits - withdrawals AS net,
    countIf(is_deposit AND is_approved) AS deposit_count,
    countIf(is_withdrawal AND is_approved) AS withdrawal_count,
    countIf((is_deposit OR is_withdrawal) AND is_rollback) AS rollback_count,
    uniqExactIf(user_id, is_deposit AND is_approved) AS depositors,
    uniqExactIf(user_id, is_withdrawal AND is_approved) AS withdrawers,
    count() AS payments,
    payments - deposit_count - withdrawal_count - rollback_count AS uncounted
FROM fasttrack.payment
GROUP BY tenant, day, currency
COMMENT 'Deposits (type credit) and withdrawals (type debit) per tenant, day and currency; status approved counts, rollback takes back, whatever their case; other payments only in uncounted';

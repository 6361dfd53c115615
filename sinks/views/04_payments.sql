-- Money in and out of players' accounts per day; exact, per currency, by UTC day (see 03_casino.sql).
--
-- What counts, whatever the case of the words: type credit (or deposit) is a deposit, debit (or
-- withdrawal) a withdrawal; status approved counts, rollback takes back, any other moves no money.
-- A payment is known by its first sighting: if that said Requested, a later Approved under the same
-- id is a conflict, kept in fasttrack.conflicts, until an operator widens the idempotency key.

-- step: deposits_withdrawals_daily
CREATE OR REPLACE VIEW fasttrack.deposits_withdrawals_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp',
    currency LowCardinality(String) COMMENT 'Currency of all amounts of the row',
    deposits Decimal(76, 18) COMMENT 'Approved deposits less those rolled back',
    withdrawals Decimal(76, 18) COMMENT 'Approved withdrawals less those rolled back',
    net Decimal(76, 18) COMMENT 'deposits - withdrawals',
    deposit_count UInt64 COMMENT 'Approved deposits',
    withdrawal_count UInt64 COMMENT 'Approved withdrawals',
    rollback_count UInt64 COMMENT 'Deposits and withdrawals rolled back',
    depositors UInt64 COMMENT 'Players with an approved deposit',
    withdrawers UInt64 COMMENT 'Players with an approved withdrawal',
    uncounted UInt64 COMMENT 'Payments of another status or type, in no amount of the row'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    lower(type) IN ('credit', 'deposit') AS is_deposit,
    lower(type) IN ('debit', 'withdrawal') AS is_withdrawal,
    lower(status) = 'approved' AS is_approved,
    lower(status) = 'rollback' AS is_rollback,
    toDecimal256(amount, 18) AS exact
SELECT
    tenant,
    toDate32(timestamp) AS day,
    currency,
    sumIf(exact, is_deposit AND is_approved) - sumIf(exact, is_deposit AND is_rollback) AS deposits,
    sumIf(exact, is_withdrawal AND is_approved)
        - sumIf(exact, is_withdrawal AND is_rollback) AS withdrawals,
    deposits - withdrawals AS net,
    countIf(is_deposit AND is_approved) AS deposit_count,
    countIf(is_withdrawal AND is_approved) AS withdrawal_count,
    countIf((is_deposit OR is_withdrawal) AND is_rollback) AS rollback_count,
    uniqExactIf(user_id, is_deposit AND is_approved) AS depositors,
    uniqExactIf(user_id, is_withdrawal AND is_approved) AS withdrawers,
    count() - deposit_count - withdrawal_count - rollback_count AS uncounted
FROM fasttrack.payment
GROUP BY tenant, day, currency
COMMENT 'Deposits (type credit) and withdrawals (type debit) per tenant, day and currency; status approved counts, rollback takes back, in any case of the letters; other payments only in uncounted';

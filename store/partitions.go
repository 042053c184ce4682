package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A partition is named after the day, in UTC, that its rows are of: exchanges_passed_20261130.
const day = "20060102"

// Partition makes the partition of a table for a day: rows whose key is at least from and less than to. It is there
// already for all but one of those who ask. Names of tables are ours.
func (s *Store) Partition(ctx context.Context, table string, of time.Time, from, to int64) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't make a partition: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	// Without the lock, two who make one partition at once may both find that it is not there.
	for _, statement := range []string{postgres.before[0], fmt.Sprintf(
		`CREATE TABLE IF NOT EXISTS %s_%s PARTITION OF %s FOR VALUES FROM (%d) TO (%d)`, table, of.UTC().Format(day), table, from, to)} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("couldn't make a partition: %w", err)
		}
	}
	return tx.Commit()
}

// Partitions lists the days for which a table has partitions, the oldest first.
func (s *Store) Partitions(ctx context.Context, table string) (days []time.Time, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = to_regclass($1) ORDER BY c.relname`, table)
	if err != nil {
		return nil, fmt.Errorf("couldn't list partitions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if d, err := time.Parse(day, strings.TrimPrefix(name, table+"_")); err == nil {
			days = append(days, d)
		}
	}
	return days, rows.Err()
}

// DropPartition forgets a day of a table.
func (s *Store) DropPartition(ctx context.Context, table string, of time.Time) error {
	if _, err := s.db.ExecContext(ctx, fmt.Sprintf(`DROP TABLE IF EXISTS %s_%s`, table, of.UTC().Format(day))); err != nil {
		return fmt.Errorf("couldn't drop a partition: %w", err)
	}
	return nil
}

// TableSize is how many bytes the partitions of a table take, with their indexes.
func (s *Store) TableSize(ctx context.Context, table string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM pg_partition_tree(to_regclass($1))`, table).Scan(&n)
	return n, err
}

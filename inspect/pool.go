package inspect

// A Pool keeps compiled engines by their settings, so that APIs with equal settings, and the snapshots before and
// after a reload, share them. The zero value is ready to use; it is safe for concurrent use.
type Pool struct{}

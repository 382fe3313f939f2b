package accounts

// InMemory is a service over a platform in memory, for the examples.
func InMemory() (*Service, error) {
	p := &memoryPlatform{}
	return New(Config{Reader: p, Log: p, Publisher: p, Locks: p, Clock: clock})
}

package eventstore

// SmallBlocks has a store compact as little as a test appends: blocks of 8, 32 and
// 128 positions, and accounts from 8 new ones on. All stores of a log have to.
func SmallBlocks(s *Store) {
	s.shape, s.newAccounts = blockShape{bits: []uint{3, 5, 7}, bucketBits: 2}, 8
}

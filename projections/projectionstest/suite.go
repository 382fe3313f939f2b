// Package projectionstest holds the promises of the read models as tests: that
// they are a function of the set of events, are saved exactly once whatever
// fails, follow the log by themselves, and forget whom the log has forgotten.
// Every case runs through a real log, and carries the rule that it defends.
package projectionstest

import (
	"testing"

	"boxoffice/internal/sqldb"
)

// A Database makes an empty database that is gone when the test ends. What it
// returns opens handles on that database, each as another process would.
type Database func(testing.TB) (open func() *sqldb.DB)

// A testCase is one promise, with the rule that it follows from.
type testCase struct {
	name string
	rule string
	run  func(*testing.T, Database)
}

// Test runs the suite on the databases of one engine. The cases run beside each
// other: each has a database of its own, and waits most of the time.
func Test(t *testing.T, database Database) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Log("the rule: " + c.rule)
				}
			})
			c.run(t, database)
		})
	}
}

var cases = []testCase{
	{"AnyOrder", "Read models are a function of the set of events: whatever the order in which they arrived, " +
		"in what batches, and how often they were sent, all rows are the same.", anyOrder},
	{"LateEvent", "An event that comes late is put in its place in history: the rows are those that they would " +
		"be had it come in time.", lateEvent},
	{"Nothing", "An empty log gives empty read models that can be asked.", emptyLog},

	{"OneTransaction", "Rows and position are saved in one transaction: where saving fails at its very end, " +
		"neither is there, and the next attempt saves both once.", oneTransaction},
	{"OneProjects", "Of two runners one projects and the other stands by: each event is projected once.", oneProjects},
	{"HandsOver", "A runner that stops gives its lease back, and another goes on from where it stood.", handsOver},
	{"Killed", "A projector that died in the middle is replaced when its lease has run out, and the rows are " +
		"those of a run that nothing happened to.", killed},
	{"LostLease", "A projector that has lost its lease can't save what it had read before.", lostLease},
	{"Outage", "A log that can't be reached stops projecting, is reported, and loses nothing: when it is back, " +
		"so is the projector, by itself.", outage},
	{"StartsEarly", "A runner that is started before there is anything to work with says so and waits.", startsEarly},

	{"Playback", "What a known user plays changes their sessions and leaves the user's row alone; what comes " +
		"before all that was known moves the user's first event.", playback},
	{"StatusRunsOut", "A period that reaches its end changes the status in the row with no event.", statusRunsOut},
	{"Sums", "The hours and the months of the ledger are the sums of its changes, in any time zone, and no row " +
		"of it is zero.", ledgerSums},

	{"Days", "The days of a month are those that a clock shows, each from when it shows it first; a registration counts on its " +
		"day, and the days together are the month's figure, at every instant.", daysOfMonths},

	{"Erasure", "An erasure takes the user out of what says who they were and out of the counts of users. The " +
		"monthly figures, sessions and entitlements stay; a rebuild gives the same rows.", erasure},
	{"ErasureInBetween", "Nothing of a person is saved who was erased after their events were read.", erasureInBetween},
	{"ErasureStorm", "Erasures that go on and on don't keep the projector from getting on.", erasureStorm},
	{"SameIDAgain", "A user who registers again after an erasure is a new user with the same id.", sameIDAgain},

	{"Retractions", "Read models are as if a retracted event had never come: whatever the history, its order, its division into batches and " +
		"how often anything is repeated, followed or filled, all rows are those of the history without it.", retractions},
	{"RetractedAfter", "An event of whatever type that is retracted later leaves nothing in the rows.", retractedAfter},
	{"RetractedBefore", "A retraction that comes before its event counts, also for what is only played, and for whoever goes on; a user is " +
		"there from the first event on that counts.", retractedBefore},
	{"RetractedForNothing", "A retraction of an erasure, of a retraction, of an event about somebody else and of what isn't there changes " +
		"nothing, and nobody is folded again for it.", retractedForNothing},
	{"RetractedOnce", "However much is retracted of a user in a batch, the user is folded again once, and not for what was retracted before.",
		retractedOnce},
	{"RetractedMany", "However many users a batch has folded again, each is once, and not too many in one transaction.", retractedMany},
	{"RetractedErased", "What was retracted of a user counts for nothing after their erasure either, and nothing of it is kept.", retractedErased},
	{"RetractedInHistory", "A history that stops before a retraction has what is retracted, and one that stops after it hasn't.", retractedInHistory},

	{"Filled", "Read models that are filled in bulk have the rows that they would have had they followed the log: " +
		"whatever the history, however many users are folded at a time, and whatever comes afterwards.", filled},
	{"FillsUnseen", "While read models are being filled, answers are those of before, the status says how far it " +
		"is, and then all of them are those of the filled ones.", fillsUnseen},
	{"FillKilled", "Half-filled read models are never taken for filled or for empty ones: whoever comes after a " +
		"projector that died over them begins again.", fillKilled},
	{"FillLostLease", "A projector that lost its lease while it filled can't write any more.", fillLostLease},
	{"FillByOne", "Of several runners one fills, the others stand by and follow when it is their turn.", fillByOne},
	{"FillErasure", "Nothing of a person is filled in who was erased after their events were read.", fillErasure},
	{"FillErasureStorm", "Erasures that go on and on don't make filling begin again, and nothing stays of anybody.",
		fillErasureStorm},
	{"ErasureEverywhere", "An erasure takes effect in every generation, also in those that don't follow the log any more: " +
		"they hold what they would hold had the erasure come to them.", erasureEverywhere},
	{"ErasureOtherVersion", "Of a generation that other code has made, everything that says who the erased were is gone.",
		erasureOtherVersion},
	{"ErasureUnbegun", "A generation that was left before its first position holds nobody after an erasure.", erasureUnbegun},
	{"ScrubKeepsRows", "Rewriting tables changes no row, and loses no index that keeps rows apart or finds them.", scrubKeepsRows},

	{"TimeZone", "Another time zone makes a new generation beside the live one, which answers until the new one " +
		"has caught up; its rows are those of read models that never had another zone.", timeZone},
	{"RenewalGrace", "So does another renewal grace.", otherRenewalGrace},
	{"Epoch", "Where the log was recovered to another state, read models that were made from the old one are " +
		"rebuilt.", epoch},
	{"Views", "SQL of people's own finds the live generation under names that stay, on PostgreSQL.", views},
	{"FollowsWhileBuilding", "While a new generation is being built, the live one goes on following the log.",
		followsWhileBuilding},
	{"Superseded", "A runner whose generation was replaced by another process's stands idle: two configurations " +
		"don't build in turns.", superseded},
	{"SupersededAway", "So does one that was interrupted when its generation was replaced: it doesn't begin another " +
		"of its own configuration.", supersededAway},
	{"Schedules", "Whatever is delivered again, fails, breaks, dies, is restarted or changes its time zone, the log holds what the " +
		"model says, and the read models what follows from it.", schedules},

	{"DropsRetired", "A generation that is no longer live is dropped when its time of grace is over, and not " +
		"before.", dropsRetired},

	{"HistoryStops", "A history stops exactly at its position, whether it follows the log or is filled: it has the rows that " +
		"read models have that never saw more.", historyStops},
	{"HistoryByRunner", "A history that is entered is built beside the live generation, once, under a name of its own.", historyByRunner},
	{"HistoryKept", "Neither a change of time zone nor a rebuild drops a history or changes it, or keeps one from being built.", historyKept},
	{"HistoryAnswers", "A history that is asked by its position, its name or its number answers as the read models did then, " +
		"while the log goes on and the live generation is replaced.", historyAnswers},
	{"HistoryUnfinished", "A history answers nothing until it is finished; one whose building was killed is gone on with.", historyUnfinished},
	{"HistoryErasure", "An erasure reaches histories and candidates, which nothing follows, and moves none. A history of the " +
		"same position that is built afterwards has the same rows.", historyErasure},
	{"HistoryRenewed", "A history of older code is built again under its name, and the old one answers until that is done.", historyRenewed},
	{"CandidateWaits", "No restart and no runner adopts a candidate that nobody compared and chose.", candidateWaits},
	{"CandidateChosen", "A candidate has the digest of the live generation at the same position. Chosen, it takes over once it " +
		"has come as far: answers never go back.", candidateChosen},
	{"CandidateOutdated", "A candidate of older code or of another time zone than is asked for isn't chosen: nobody would follow it.", candidateOutdated},
	{"CandidateCatchesUp", "A candidate catches up first, and only then is the live generation looked at, in a snapshot that is " +
		"held no longer than the comparison takes.", candidateCatchesUp},
	{"CandidateDiffers", "A candidate of which one value differs has another digest, in the table where it is.", candidateDiffers},
	{"Digest", "The digest is the same for read models that followed the log and for ones that were filled, in another " +
		"installation, at every instant; and it has every row.", digestOfAny},
	{"DigestOfAll", "No value of a row can change but the digest of its table does, and no other's.", digestOfAll},
	{"GivenUp", "What was begun and given up is dropped: a history that somebody drops at once, a build for a configuration " +
		"that is no more when nobody has been at it for the time of grace.", givenUp},
}

// This file is the queue of what happens next, ordered by time.

package platform

// An action is something that a person or the platform does.
type action uint8

const (
	actUpdate action = iota
	actErase
	actReturn
	actSubscribe
	actRenew
	actCancel
	actFail
	actResume
	actLapse
	actCorrect
	actRent
	actActivate
	actRefund
	actGrant
	actRevoke
	actWatch
	actReport
)

// A task is one action that is to happen at an instant. What of it has been
// overtaken by then is told by the two counters: a person's life ends with an
// erasure, a subscription's turn with whatever changes its course.
type task struct {
	at   int64
	seq  uint64
	user int32
	turn uint16
	life uint8
	act  action
}

// A queue is a binary heap of tasks, earliest first; of one instant, the one
// that was queued first.
type queue []task

func (t task) before(u task) bool {
	return t.at < u.at || t.at == u.at && t.seq < u.seq
}

func (q *queue) push(t task) {
	h := append(*q, t)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !t.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = t
	*q = h
}

func (q *queue) pop() task {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(last) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = last
	return top
}

// later queues an action of a person.
func (p *Platform) later(user int32, at int64, act action) {
	u := &p.people[user]
	p.rng.queued++
	p.queue.push(task{at: at, seq: p.rng.queued, user: user, turn: u.sub.turn, life: u.life, act: act})
}

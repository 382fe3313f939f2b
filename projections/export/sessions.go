// This file is the rows of viewing sessions, and cells of values that may not
// be known.

package export

import (
	"boxoffice/domain"
	"boxoffice/projections"
	"boxoffice/projections/export/sheet"
)

func numberColumn(name string, meaning string) column {
	return column{sheet.Column{Name: name, Width: 16}, meaning}
}

var sessionColumns = []column{
	textColumn("user_id", idWidth, "Whose it is; empty where the user was erased"),
	textColumn("session_id", idWidth, "The player's session"),
	textColumn("content_id", idWidth, "What was viewed"),
	textColumn("title", 32, "Title of the content"),
	textColumn("state", 12, "in_progress: reports are coming; ended: the player said so; abandoned: reports have stopped coming"),
	timeColumn("started_at", "Time of the earliest report"),
	timeColumn("last_event_at", "Time of the latest report"),
	numberColumn("duration_s", "How long it played, in seconds"),
	numberColumn("watched_s", "How much of the content was played, in seconds; what was played twice counts once"),
	numberColumn("content_length_s", "Length of the content in seconds; empty for live content"),
	numberColumn("completion_rate", "watched_s of content_length_s, from 0 to 1"),
	textColumn("completed", 12, "Whether the completion rate is at least 0.9"),
	numberColumn("position_s", "Where the playhead was last, in seconds"),
	textColumn("device", textWidth, "Device, as the player gives it"),
	textColumn("platform", 12, "Platform, as the player gives it"),
}

func sessionRow(s *projections.Session, row []any) error {
	row[0], row[1], row[2], row[3] = textCell(s.UserID), s.SessionID, s.ContentID, textCell(s.Title)
	row[4], row[5], row[6] = string(s.State), s.StartedAt.Time(), s.LastEventAt.Time()
	row[7], row[8] = numberCell(&s.DurationMS, 1000), numberCell(&s.WatchedMS, 1000)
	row[9], row[10] = numberCell(s.ContentLengthMS, 1000), numberCell(s.CompletionRate, 10_000)
	if s.Completed != nil {
		row[11] = *s.Completed
	}
	row[12] = numberCell(s.PositionMS, 1000)
	row[13], row[14] = textCell(s.Device), textCell(s.Platform)
	return nil
}

func textCell(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

func timeCell(i *domain.Instant) any {
	if i == nil {
		return nil
	}
	return i.Time()
}

// numberCell returns a number that is kept as a whole number of its parts.
func numberCell(n *int64, parts int64) any {
	if n == nil {
		return nil
	}
	return float64(*n) / float64(parts)
}

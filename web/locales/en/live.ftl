# The knowledge that an answer rests on, and the versions of a followed one.

known-at = Known at { $time } on { $day }
not-learned = The chances above do not take this into account: the model that gave them is trained without events.

late-by =
    { $minutes ->
        [one] { $minutes } minute late
       *[other] { $minutes } minutes late
    }
early-by =
    { $minutes ->
        [one] { $minutes } minute early
       *[other] { $minutes } minutes early
    }
late-not = on time
on-average = { $lateness } on average

state-left = left { $lateness }
state-arrived = arrived { $lateness }
state-cancelled = cancelled
state-diverted = goes to another airport
flight-left = The flight has left, { $lateness }.
flight-arrived = The flight has arrived, { $lateness }.
flight-cancelled = The flight is cancelled.
flight-diverted = The flight goes to another airport.

plane-comes = The aeroplane comes as { $flight } from { $airport }
plane-usually-comes = The aeroplane usually comes as { $flight } from { $airport }
plane-cancelled = { $plane }, which is cancelled.
plane-diverted = { $plane }, which goes to another airport.
plane-arrived = { $plane }, which has arrived at { $time }, { $lateness }{ $ground }.
plane-departed = { $plane }, which is on its way: due at { $time }, { $lateness }{ $ground }.
plane-scheduled = { $plane }, which has not left yet and is due at { $time }{ $ground }.
plane-ground = ; that leaves { $minutes } on the ground
plane-ground-least = ; that leaves { $minutes } on the ground, and the airline usually takes at least { $least }
plane-after = ; that is { $minutes } after the departure is due

hour-departures =
    { $count ->
        [one] In the hour before, { $count } flight left { $airport }, { $lateness }
       *[other] In the hour before, { $count } flights left { $airport }, { $lateness }
    }
hour-no-departure = In the hour before, no flight left { $airport }
hour-cancelled =
    { $count ->
        [one] ; { $count } was cancelled
       *[other] ; { $count } were cancelled
    }
hour-overdue =
    { $count ->
        [one] ; { $count } should have left and has not
       *[other] ; { $count } should have left and have not
    }
hour-arrivals =
    { $count ->
        [one] { $count } flight arrived at { $airport }, { $lateness }.
       *[other] { $count } flights arrived at { $airport }, { $lateness }.
    }
record =
    { $count ->
        [one] On its last day this flight arrived { $lateness }.
       *[other] On its last { $count } days this flight arrived { $lateness }.
    }

followed = Followed
follow-starting = The following begins.
follow-on = This page changes by itself until the flight has arrived, for a day at most.
follow-ended = This flight is not followed any more.
follow-refused = This flight is not followed: { $reason }.
follow-earlier = This is version { $version }, not the last one.
follow-older = { $count } older
follow-version = Version { $version }
follow-no-forecast = no forecast in minutes

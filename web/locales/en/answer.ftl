# An answer: the headline, the flight, the forecast, the map and the reasons.

headline-soon = { $chance }: less than 30~minutes late
headline-late = { $chance }: 30~minutes late or more
headline-class = Most likely { $class }
headline-unknown = There is an answer, but its class is none that we know

scheduled = scheduled from { $departs } to { $arrives }, local times
before-departure = Before departure
left-late = Left { $minutes } late
left-early = Left { $minutes } early
left-on-time = Left on time

less-sure = Less sure than usual: { $remark }.
remark-carrier = no flights of this airline in the training data
remark-origin = no flights from the airport of departure in the training data
remark-dest = no flights to the airport of arrival in the training data
remark-distance = the distance of this route is unknown

chances-label = The chances of the four answers, side by side; the list below says the same
earlier = earlier
later = later
model = Model

# The forecast in minutes.
expect-none = expect no delay
expect-late =
    { $minutes ->
        [one] expect { $minutes }~minute late
       *[other] expect { $minutes }~minutes late
    }
expect-early =
    { $minutes ->
        [one] expect { $minutes }~minute early
       *[other] expect { $minutes }~minutes early
    }
forecast = { $expect }: eight of ten such flights arrive { $range }. { $quarter } are 15~minutes late or more, { $hour } an hour or more.
forecast-short = { $expect } ({ $quarter } for 15 or more)
range-early-late = between { $from } early and { $to } late
range-early = between { $from } and { $to } early
range-late = between { $from } and { $to } late
range-from-schedule = between the scheduled time and { $to } late
range-to-schedule = between { $from } early and the scheduled time
cancellation = { $share } of such flights are cancelled.

# The map.
map-distance = { $distance } from { $origin } to { $dest }
map-route = from { $origin } to { $dest }
map-label = Map of the way from { $origin } to { $dest }
map-label-inbound = Map of the way from { $origin } to { $dest }; the aeroplane comes from { $inbound }
map-inbound = the aeroplane comes from { $airport }
map-dashed = ; dashed: { $inbound }

# The reasons.
why = Why
why-base-soon = Of all flights, { $share } land less than 30 minutes late.
why-base-late = Of all flights, { $share } land 30 minutes late or more.
why-overdue-soon = Of flights that are overdue, { $share } land less than 30 minutes late.
why-overdue-late = Of flights that are overdue, { $share } land 30 minutes late or more.
why-raises = { $subject } raises the chance from { $from } to { $to }.
why-lowers = { $subject } lowers the chance from { $from } to { $to }.
why-others = Everything else
why-delay = The departure delay
why-delay-late = The departure delay of { $minutes }
why-delay-early = Leaving { $minutes } early
why-delay-none = Leaving on time
why-inbound = The aeroplane's way to the airport
why-inbound-ground = That the aeroplane comes { $lateness } and has { $minutes } on the ground
why-inbound-late = That the aeroplane comes { $lateness }, after the departure is due,
why-origin-now = What happens at the airport now
why-dest-now = What happens at the destination now
why-airport-now = What happens at { $airport } now
why-carriers-now = How the airlines do now
why-record = The flight's record of the last days
why-as-of = The time until departure
why-schedule = The schedule
why-weather = The weather
why-weather-at = The weather at { $airport }
why-carrier = The airline
why-carrier-name = Flying with { $airline }
why-number = The flight number
why-number-is = Flight number { $number }
why-route = The route
why-route-is = The route from { $origin } to { $dest }
why-origin = The airport of departure
why-origin-is = Departing from { $airport }
why-dest = The airport of arrival
why-dest-is = Arriving at { $airport }
why-distance = The distance
why-distance-is = The distance of { $distance }
why-weekday = The day of the week
why-weekday-is = Flying on a { weekday-name }
why-season = The time of the year

# The reasons why a request is not served, and the page that shows them.

error-status = Error { $status }
error-history = To the history
error-form = Back to the form

problem-not-found = There is no such page
problem-misdirected = This page is not here under that name
problem-method = This page cannot be asked that way
problem-login = A login is wanted
problem-forbidden = This is not shown here
problem-too-many = Too many questions
problem-unavailable = We cannot answer right now
problem-unread = We could not read this
problem-preparing = The history is being prepared
problem-no-history = The history is not there
problem-no-airline = No such airline
problem-no-aircraft = No such aircraft
problem-no-flight = No such flight
problem-no-route = No such route
problem-no-flights = No flights on this day

reason-not-found = there is nothing at this address
reason-method = this address takes { $methods } only
reason-host = one Host is wanted, as in Host: localhost:5001
reason-host-known = this page answers to { $known }; for another name, start delaycast with --host and that name
reason-too-late = no answer within { $seconds } s. It may still come: look later under the id
reason-no-minutes = the model that answers tells no minutes; `delaycast train` makes one that does
reason-closed = the operations are not shown to other machines. Start delaycast with --operations-login FILE
reason-login = the operations are shown behind a login
reason-too-many = too many questions from your address. Ask again in { $seconds }~s
reason-preparing = the flights are being sorted and counted: { $percent }~% are done
reason-no-history = the history could not be prepared. The log of delaycast names the reason
reason-defect = an error on our side; it has been logged
reason-log = the request log does not answer. The request may still land; to be sure, look for its answer or ask again
reason-history = the history does not answer in time. Ask again
reason-batches = the store does not answer. If you asked for the batch, ask again: a question that was kept twice is answered twice
reason-waiters = too many clients wait for answers. Ask again, or ask without waiting
reason-store = the store does not answer. Ask again
reason-store-later = the store does not answer. The request is in the log; look for its answer later
reason-files = several files are being answered. Send yours again in a minute
reason-no-airline = the history has no flight of this airline
reason-no-aircraft = the history has no flight of this aircraft
reason-no-flight = no flight { $flight } on { $day } in the history, which is from { $first } to { $last }
reason-no-flights = no flight from { $origin } to { $dest } on { $day }. The history is from { $first } to { $last }
reason-no-route = the history has no flight between these two airports, in this direction

# The faults of fields.
missing = is missing
twice = stands twice
unknown-airline = { $typed } is not an airline we know; choose one of the list, as in AA
unknown-airport = { $typed } is not an airport we know; choose one of the list, as in ATL
not-minutes = { $typed } is not a number of minutes, as in 5 or -3
not-time = { $typed } is not a time of day, as in 14:30
not-truth = must be true or false
not-date = must be a date of the calendar, as in 2016-12-25
wrong-year = the year must be { $first } to { $last }
not-decimal = { $typed } is not a number, as in 23 or 0.1
wrong-units = must be metric or imperial
wrong-range = must be { $least } to { $most }
wrong-delay = must be { $least } to { $most } minutes
same-airport = must differ from Origin
number-too-long = must have at most { $bytes } bytes
wrong-id = must have 1 to { $bytes } bytes
not-count = must be a count
not-number = must be a number
phrase-too-long = is longer than { $bytes } bytes
phrase-unknown = we know no airline, airport, city, day or time in { $words }
and = { $one } and { $other }
several-legs = this flight number has several legs on that day; choose one
several-airports = { $place } has several airports; choose one
leg-choice = { $origin } to { $dest }
leg-choice-at = { $origin } to { $dest }, { $time }
unknown-departure = no flight of the history leaves there about then, so its arrival is not known; leave the time out
unknown-number = is not in the flights we learned from: say from where to where it goes

# The faults of a question about the history.
not-code = is no code, as in AA, ATL or N14228
not-day = must be a date, as in 2013-07-04
not-flight-number = must be a number up to { $most }, without the airline
not-year = must be a year, as in 1999
not-start = must be the number of results to skip, { $most } at most
wrong-number = must be a number from { $least } to { $most }
wrong-length = must have 1 to { $most } characters
too-many-bytes = has more than { $bytes } bytes

# The faults of a body, a query or a path.
wrong-content-type = must be application/x-www-form-urlencoded, multipart/form-data or application/json
broken-off = broke off: { $error }
too-slow = did not arrive within { $within }
not-utf8-at = not UTF-8 at byte { $byte }
not-utf8 = is not UTF-8
not-utf8-decoded = is not UTF-8 once its %-escapes are undone
lone-percent = has a % that two hexadecimal digits do not follow
not-multipart = is not multipart form data: { $error }
not-object = is not a JSON object: { $error }
not-scalar = must be a string or a number

# The faults of a file.
file-empty = has no questions
file-too-long = has more than { $most } questions: split it
file-not-csv = is not CSV: { $error }
file-no-column = has no column that is known in its first line: { $names }
file-column-twice = has the column { $name } twice

# Questions about many flights: the batch of a day, and files.

batch-heading = Ask for the batch
batch-intro = Your question is kept until the end of the day (UTC), and answered with all others of the day.
batch-ask-now = Ask for an answer now
batch-today = The questions of today

batch-name = Batch
batch-title = The batch of { $day }
batch-waiting =
    { $count ->
        [one] One question waits for the batch of this day, which runs after midnight (UTC). To run it now:
       *[other] { $count } questions wait for the batch of this day, which runs after midnight (UTC). To run it now:
    }
batch-empty = There are no answers to questions of { $day } yet.
batch-answers = Answers
batch-departs-on = Departs on
batch-answer = Answer
batch-asked = Asked (UTC)

bulk-heading = Many flights at once
bulk-intro = Send a table of flights, and get it back with an answer in each row.
bulk-ask-one = Ask about one flight
bulk-file = A file in CSV or NDJSON
bulk-limits = At most { $rows } rows and { $mib } MiB
bulk-answered = Answered rows
bulk-save = Save the answers
bulk-table = The table
bulk-columns = The first line of a CSV file names its columns. These are read, in any order and case:
bulk-other-columns = Other columns are kept. <code>Flight</code> takes what the field on the first page takes.
bulk-example = Delta from JFK to ATL
bulk-example-number = B6 915
bulk-ndjson = NDJSON has an object with the same names in each line. A row that cannot be asked says why, and stops no other.
# The script of the page puts numbers in place of the names in braces.
bulk-sending = Sending the file …
bulk-broken = The connection broke off. Send the file again.
bulk-progress = { $answered } of { $rows } rows
bulk-done = { $rows } rows
bulk-failed = { $rows } rows; { $failed } without an answer

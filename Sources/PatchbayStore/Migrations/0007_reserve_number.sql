-- Nothing: the number belongs to a change of the table of requests.
SELECT 1;

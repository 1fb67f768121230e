# They were stopped in reverse order, and run again.
wait_for '[ "$(property b ActiveState 2>/dev/null)" = active ]'
is marks "$(paste -sd, /var/lib/marks)" "start a,start b,stop b,stop a,start a,start b"
verdict

"""Writes a month of predictions into a spreadsheet."""
import csv
import sys

writer = csv.writer(sys.stdout)
writer.writerow(["hour", "height"])
for line in sys.stdin:
    writer.writerow(line.split())

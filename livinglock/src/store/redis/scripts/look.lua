-- Whose is it? Done is: it is held by this owner. (owner)
return answer(held and owner == ARGV[1] and 1 or 0)

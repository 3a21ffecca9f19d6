%% SPDX-License-Identifier: Apache-2.0
%% flags: +A 0 | +A 16
%% Files through prim_file on the dirty I/O schedulers: 1000 written, read, renamed and listed by 20 processes, one of 8 MiB read and written
%% at places, and every kind of error.
-module(file_io).
-export([main/0]).
-include_lib("kernel/include/file.hrl").

main() ->
    ok = file:set_cwd("/data"),
    ok = del("files"),
    ok = file:make_dir("files"),
    io:format("1000 files: ~p~n", [lists:sum(parallel([fun() -> files(N) end || N <- lists:seq(1, 20)]))]),
    {ok, Names} = file:list_dir("files"),
    io:format("listed ~p, ~p~n", [length(Names), erlang:phash2(lists:sort(Names))]),
    large(), lines(), errors(), links(), delayed(),
    ok = del("files"),
    io:format("gone: ~p~n", [file:read_file_info("files")]).

del(Path) ->
    case file:del_dir_r(Path) of {error, enoent} -> ok; Other -> Other end.

files(Worker) ->
    lists:sum([begin
        Name = io_lib:format("files/~2..0b-~2..0b", [Worker, N]),
        Data = binary:copy(<<Worker, N>>, 100 * N),
        ok = file:write_file(Name, Data),
        {ok, Data} = file:read_file(Name),
        ok = file:rename(Name, [Name, ".renamed"]),
        {error, enoent} = file:read_file(Name),
        {ok, #file_info{size = Size, type = regular}} = file:read_file_info([Name, ".renamed"]),
        Size
    end || N <- lists:seq(1, 50)]).

large() ->
    {ok, F} = file:open("files/large", [read, write, raw, binary]),
    [ok = file:write(F, binary:copy(<<N:32>>, 16384)) || N <- lists:seq(0, 127)],
    Places = [(N * 7919) rem 128 || N <- lists:seq(1, 100)],
    Read = parallel([fun() -> {ok, G} = file:open("files/large", [read, raw, binary]),
                              {ok, <<P:32>>} = file:pread(G, P * 65536 + 4 * P, 4), ok = file:close(G), P end || P <- Places]),
    io:format("read at places: ~p~n", [Read =:= Places]),
    ok = file:pwrite(F, [{0, <<"start">>}, {5000000, <<"middle">>}, {8388608 + 100, <<"beyond">>}]),
    {ok, Parts} = file:pread(F, [{0, 5}, {5000000, 6}, {8388608, 106}, {9000000, 1}]),
    io:format("written at places: ~p~n", [[case P of eof -> eof; _ -> {byte_size(P), erlang:crc32(P)} end || P <- Parts]]),
    {ok, 1000} = file:position(F, 1000), ok = file:truncate(F), ok = file:sync(F), ok = file:datasync(F),
    io:format("position ~p, allocate ~p~n", [file:position(F, eof), file:allocate(F, 0, 4096) =:= ok]),
    ok = file:advise(F, 0, 0, sequential),
    ok = file:close(F),
    io:format("copied ~p~n", [file:copy("files/large", "files/copy")]).

lines() ->
    {ok, F} = file:open("files/lines", [write, {encoding, utf8}]),
    [io:format(F, "line ~b ~ts~n", [N, [16#e4, 16#20ac]]) || N <- lists:seq(1, 3000)],
    ok = file:close(F),
    {ok, G} = file:open("files/lines", [read, {read_ahead, 1000}, {encoding, utf8}]),
    Count = fun Loop(N) -> case io:get_line(G, "") of eof -> N; _ -> Loop(N + 1) end end,
    io:format("~p lines, consult ~p~n", [Count(0), begin file:write_file("files/terms", "{a,1}.\n[b].\n"), file:consult("files/terms") end]),
    ok = file:close(G).

errors() ->
    io:format("~p~n", [[file:read_file("files/none"), file:read_file("files"), file:list_dir("files/copy"), file:make_dir("files"),
                        file:del_dir("files"), file:delete("files"), file:open("files/copy/x", [read]), file:rename("files/none", "files/x"),
                        file:open("files/copy", [write, exclusive]), file:write_file("/proc/version", "x"), file:read_link("files/copy")]]).

links() ->
    ok = file:make_symlink("copy", "files/symbolic"),
    ok = file:make_link("files/copy", "files/hard"),
    {ok, #file_info{links = Links, mode = Mode}} = file:read_file_info("files/hard"),
    ok = file:change_mode("files/hard", 8#640),
    {ok, #file_info{mode = Changed, mtime = Time}} = begin ok = file:change_time("files/hard", {{2001, 2, 3}, {4, 5, 6}}), file:read_file_info("files/hard") end,
    io:format("~p~n", [[file:read_link("files/symbolic"), Links, Mode band 8#777, Changed band 8#777, Time]]).

delayed() ->
    {ok, F} = file:open("files/delayed", [append, {delayed_write, 100000, 50}]),
    [ok = file:write(F, "x") || _ <- lists:seq(1, 5000)],
    timer:sleep(200), % the delay writes, not the close
    {ok, #file_info{size = Size}} = file:read_file_info("files/delayed"),
    ok = file:close(F),
    io:format("delayed ~p~n", [Size]).

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].
